/*
 * One lock of one node through the death of its daemon, of the lock manager's child and of the
 * node: what the lock list must say before the kernel is asked, and what a start makes of the
 * list and of the kernel's orphans (docs/decisions/0002, 0010; ARCHITECTURE.md).
 *
 * Each action carries the name of its edge in src/coordinator/core: acquire.ts, convert.ts,
 * release.ts, reconcile.ts, adopt-converting.ts. A daemon dies between any two of them. The
 * death of the child alone is the same path (everything becomes `orphaned`), so it is not apart.
 *
 * Each of these makes the check fail, and a test sees to that:
 *   WRITE_LATE      the intent is written after the kernel was asked
 *   TRUST_THE_LIST  a start believes the list where the kernel has nothing
 *   KEEP_RELEASING  a start keeps what was being released
 *   DROP_UNKNOWN    a start forgets an orphan that no list explains
 *   TELL_EARLY      the owner is told of a convert up before the kernel has granted it
 */

#define NL 0
#define PR 1
#define EX 2

/* What the list says last. */
#define NONE 0
#define INTENT 1
#define HELD 2
#define CONVERTING 3
#define RELEASING 4
#define QUARANTINED 5

#ifndef CRASHES
#define CRASHES 3
#endif
#ifndef OPERATIONS
#define OPERATIONS 4
#endif

bool daemonUp = true;
bool isTold;          /* the owner has been told that it holds the lock ... */
byte toldMode;        /* ... in at least this mode */
bool isLost;          /* reported to the owner as lost */
byte kernel;          /* granted here; an orphan while no daemon is up */
byte listed;
byte listedMode;
byte listedTo;
byte bootListed;      /* the boot in which it was listed */
byte boot;
bool isAsked;         /* memory of the daemon: the kernel was asked, its answer not heard */
byte crashes = CRASHES;
byte operations = OPERATIONS;
bool mayReboot = true;
bool isListLost;
bool mayLose = true;  /* the lock in the kernel, or the list: who loses both knows of nothing */

inline check() {
  /* An owner that was told "held" holds it in the kernel until it is told otherwise. */
  assert(!isTold || isLost || kernel >= toldMode);
  /* Nothing that the kernel has is unlisted while a daemon could need to know of it. */
  assert(kernel == NL || listed != NONE || !daemonUp || isAsked)
}

proctype Daemon() {
  byte mode;
end:
  do
  /* --- acquire.ts --- */
  :: atomic { daemonUp && listed == NONE && kernel == NL && !isAsked && operations > 0 ->
       operations--;
       if :: mode = PR :: mode = EX fi;
       listedMode = mode; isAsked = true;
#ifndef WRITE_LATE
       listed = INTENT; bootListed = boot;                       /* beginTake */
#endif
       check() }
  :: atomic { daemonUp && isAsked && kernel == NL && (listed == INTENT || listed == NONE) ->
       if
       :: kernel = listedMode                                    /* the kernel grants */
       :: listed = NONE; isAsked = false                         /* onTakeFailed */
       fi;
       check() }
  :: atomic { daemonUp && isAsked && kernel != NL && (listed == INTENT || listed == NONE) ->
       isAsked = false; listed = HELD; bootListed = boot;        /* onGranted, becomeHeld */
       isTold = true; toldMode = kernel; isLost = false;
       check() }
  /* --- convert.ts --- */
  :: atomic { daemonUp && listed == HELD && operations > 0 ->    /* beginStep */
       operations--;
       listed = CONVERTING; listedMode = kernel; isAsked = true;
       if
       :: kernel == PR -> listedTo = EX
       :: kernel == EX -> listedTo = PR; toldMode = PR           /* it counts on the weaker one */
       fi;
#ifdef TELL_EARLY
       toldMode = listedTo;
#endif
       check() }
  :: atomic { daemonUp && listed == CONVERTING && isAsked && kernel == listedMode ->
       if
       :: kernel = listedTo                                      /* the kernel converts */
       :: listedTo == EX -> isAsked = false; listed = HELD       /* onConvertFailed */
       fi;
       check() }
  :: atomic { daemonUp && listed == CONVERTING && isAsked && kernel == listedTo ->
       isAsked = false; listed = HELD; listedMode = kernel;      /* onConverted */
       toldMode = kernel;
       check() }
  :: atomic { daemonUp && listed == CONVERTING && !isAsked ->    /* resumeConverts */
       isAsked = true; check() }
  /* --- release.ts, release-orphan.ts --- */
  :: atomic { daemonUp && (listed == HELD || listed == CONVERTING) && operations > 0 ->
       operations--;
       listed = RELEASING; isTold = false; isAsked = false;      /* beginRelease */
       check() }
  :: atomic { daemonUp && listed == QUARANTINED ->               /* onReleaseOrphan */
       listed = RELEASING; isTold = false; check() }
  :: atomic { daemonUp && listed == RELEASING && kernel != NL ->
       kernel = NL; check() }                                    /* the kernel unlocks */
  :: atomic { daemonUp && listed == RELEASING && kernel == NL ->
       listed = NONE; check() }                                  /* onUnlocked, dropLock */
  od
}

/* reconcile.ts: onListFound, onLockspaceOpen, onAdopted. */
inline reconcile() {
  if
  :: listed != NONE && bootListed != boot -> listed = NONE       /* ended by a reboot */
  :: else
  fi;
  if
#ifdef TRUST_THE_LIST
  :: kernel == NL && listed == HELD -> skip
  :: kernel == NL && listed == CONVERTING ->
#else
  :: kernel == NL && (listed == HELD || listed == CONVERTING) -> /* settleAbsent, reportLost */
#endif
       isLost = true; isTold = false; listed = NONE
  :: kernel == NL && (listed == INTENT || listed == RELEASING || listed == QUARANTINED) ->
       listed = NONE                                             /* settleAbsent */
#ifdef DROP_UNKNOWN
  :: kernel != NL && listed == NONE -> skip
#else
  :: kernel != NL && listed == NONE ->                           /* quarantine */
       assert(isListLost);
       listed = QUARANTINED; listedMode = kernel; bootListed = boot
#endif
  :: kernel != NL && listed == INTENT ->                         /* settleAdopted */
       listed = HELD; listedMode = kernel; isTold = true; toldMode = kernel
  :: kernel != NL && listed == CONVERTING && kernel == listedTo -> /* settleConverted */
       listed = HELD; listedMode = kernel; toldMode = kernel
  :: kernel != NL && listed == CONVERTING && kernel != listedTo ->
       if
       :: listedTo == EX -> listed = HELD; listedMode = kernel   /* undone */
       :: else -> skip                                           /* finished by resumeConverts */
       fi
#ifdef KEEP_RELEASING
  :: kernel != NL && listed == RELEASING -> listed = HELD
#endif
  :: else -> skip
  fi;
  check()
}

proctype Faults() {
end:
  do
  :: atomic { daemonUp && crashes > 0 -> crashes--; daemonUp = false; isAsked = false }
  :: atomic { !daemonUp -> daemonUp = true; reconcile() }
  :: atomic { !daemonUp && mayReboot ->                          /* the owner dies with the node */
       mayReboot = false; boot++; kernel = NL; isTold = false }
  :: atomic { !daemonUp && mayLose && kernel != NL ->
       /* Nothing of ours does that. Then it must be said, and never be hidden. */
       mayLose = false; kernel = NL; toldMode = NL }
  :: atomic { !daemonUp && mayLose -> mayLose = false; listed = NONE;
       isListLost = true }
  :: atomic { crashes > 0 || mayReboot || mayLose ->
       crashes = 0; mayReboot = false; mayLose = false }
  od
}

proctype Judge() {
  timeout ->
    /* At rest the list says what the kernel has, and so does the owner. */
    assert(daemonUp && !isAsked);
    assert((kernel == NL && listed == NONE && !isTold) ||
      (kernel != NL && listed == HELD && listedMode == kernel && isTold && toldMode == kernel))
}

init { atomic { run Daemon(); run Faults(); run Judge() } }
