/*
 * Handing an exclusive lock over from one node to another: docs/decisions/0012-handover.md.
 *
 * S has the lock and D is to get it. Both hold CW while that lasts; T, a third node, asks for
 * the lock all the time, with and without waiting. Daemons are killed between any two actions,
 * nodes die, and what one end knows of the other is as old as it likes to be.
 *
 * Each action carries the name of its edge in src/coordinator/core (handover-*.ts, convert.ts,
 * acquire.ts, release.ts, reconcile.ts). An edge that writes a record, asks the kernel and hears
 * its answer is several actions here, since a daemon may die between them. What a daemon keeps
 * in memory only is not in the model: it decides by the list, the kernel and what it last saw.
 *
 * Nothing here loops: faults, attempts and handovers are bounded, and every action changes the
 * state. So "no livelock" is "no cycle" (checked with -DNP), and "in the end there is one
 * owner" is an assertion about the states in which nothing more can happen.
 *
 * Each of these makes the check fail, and a test sees to that:
 *   RELEASE_EARLY     the source may finish before it has seen the destination's CW
 *   CW_FOR_OWNERS     a third owner may ask for CW
 *   BACK_BLINDLY      the source tells its owner "exclusive" without asking the kernel
 *   KEEP_ON_ABORT     the destination does not give its CW up when the source goes back
 *   RECOVER_UNFENCED  the lock manager lets a node's locks go before the node is dead
 */

#ifndef DAEMON_CRASHES
#define DAEMON_CRASHES 2
#endif
#ifndef NODE_DEATHS
#define NODE_DEATHS 1
#endif
#ifndef HANDOVERS
#define HANDOVERS 2
#endif
#ifndef JOINS
#define JOINS 2
#endif

/* Modes of the lock; a grant of NL excludes nobody. */
#define NL 0
#define CW 1
#define PR 2
#define EX 3

#define S 0
#define D 1
#define T 2

/* Where a lock stands in the list of its node. */
#define NONE 0       /* no lock is listed */
#define HELD 1       /* held, in EX, and no handover */
#define OFFERED 2    /* source: EX is, or is being, converted to CW */
#define JOINED 3     /* both: the destination has CW and the source has seen it */
#define ABORTING 4   /* source: goes back to EX as soon as the kernel lets it */
#define TAKING 5     /* destination: its intent is written */
#define ACCEPTED 6   /* destination: has CW; the source has not confirmed it */
#define LEAVING 7    /* destination: asks the source to go back */
#define RELEASING 8  /* both: the release is written */

/* What a view of a peer may be beside its state in the list. */
#define RECOVERED 9  /* the lockspace runs without that node */

/* What an owner was told. */
#define NOTHING 0
#define SHARED 1     /* "beside the other end of the handover" */
#define EXCLUSIVE 2

byte granted[3];     /* by the kernels */
byte listed[2];
byte told[2];
byte generation[2];  /* of the last exclusive grant; 0 without one */
byte newest;
bool nodeUp[2];
bool daemonUp[2];
bool gone[2];        /* the lockspace has recovered without the node */
byte number;         /* of the handover: its id */
byte joinedNumber;   /* of the handover that the destination takes part in */
byte seen[2];        /* what a node last saw of the other end ... */
byte seenNumber;     /* ... and of which handover that was, at the destination */
byte crashes = DAEMON_CRASHES;
byte deaths = NODE_DEATHS;
byte joins = JOINS;
/* What nobody decides by, and only the assertions know. */
bool isReleasedThere;  /* the destination's owner released what it had joined */
bool isTakenBack;      /* the handover that is under way, or was the last, is undone */

#define other(n) (1 - n)
#define runs(n) (nodeUp[n] && daemonUp[n])
/* A dead node's lockspace is stopped until it has recovered without the node. */
#ifdef RECOVER_UNFENCED
#define lockspaceRuns true
#else
#define lockspaceRuns ((nodeUp[S] || gone[S]) && (nodeUp[D] || gone[D]))
#endif
#define isFree(n) (granted[other(n)] == NL && granted[T] == NL)
#define letsInCw (granted[S] <= CW && granted[T] <= CW)
/* What the view of S must say for D to believe that S has nothing any more, and the reverse. */
#define isSourceGone (seen[D] == NONE || seen[D] == RECOVERED)
#define isDestinationGone (seen[S] == NONE || seen[S] == RECOVERED)
/* The owner's node died, or it gave the lock up: at D, or at S when D never had it or was told
   to give it back. */
#define isNobodys ((gone[S] && (gone[D] || isReleasedThere || isTakenBack || \
  joinedNumber != number || listed[D] == NONE || listed[D] == TAKING)) || \
  ((listed[S] == NONE || listed[S] == RELEASING) && (gone[D] || isReleasedThere)))
#define isTakingPart (listed[D] == ACCEPTED || listed[D] == JOINED || listed[D] == LEAVING)

inline tell(n, what) {
  told[n] = what;
  /* Two never believe that they own it alone, and who believes it is right. */
  assert(!(told[S] == EXCLUSIVE && told[D] != NOTHING && nodeUp[S] && nodeUp[D]));
  assert(!(told[D] == EXCLUSIVE && told[S] != NOTHING && nodeUp[S] && nodeUp[D]));
  assert(told[n] != EXCLUSIVE || granted[n] == EX);
  assert(told[n] != SHARED || granted[n] != NL);
}

proctype Source() {
end:
  do
  :: atomic { runs(S) && listed[S] == HELD && number < HANDOVERS ->  /* openHandover */
       listed[S] = OFFERED; number++; seen[S] = NONE; isTakenBack = false; tell(S, SHARED) }
  :: atomic { runs(S) && listed[S] == OFFERED && granted[S] == EX && lockspaceRuns ->
       granted[S] = CW }                                              /* beginStep, onConverted */
  :: atomic { runs(S) && listed[S] == OFFERED && granted[S] == CW &&
       seen[S] != NONE && seen[S] != RECOVERED ->                     /* driveSource */
       listed[S] = JOINED }
  :: atomic { runs(S) && listed[S] == OFFERED && granted[S] == CW ->  /* driveSource */
       listed[S] = ABORTING; isTakenBack = true }
  :: atomic { runs(S) && listed[S] == JOINED ->                       /* abortAtSource */
       listed[S] = ABORTING; isTakenBack = true }
  :: atomic { runs(S) && listed[S] == JOINED && seen[S] == LEAVING -> /* driveSource */
       listed[S] = ABORTING; isTakenBack = true }
#ifdef RELEASE_EARLY
  :: atomic { runs(S) && (listed[S] == JOINED || listed[S] == OFFERED) ->
#else
  :: atomic { runs(S) && listed[S] == JOINED ->                       /* finish */
#endif
       listed[S] = RELEASING; tell(S, NOTHING) }
  :: atomic { runs(S) && listed[S] == RELEASING && granted[S] != NL && lockspaceRuns ->
       granted[S] = NL }                                              /* beginRelease */
  :: atomic { runs(S) && listed[S] == RELEASING && granted[S] == NL -> /* onUnlocked */
       listed[S] = NONE }
  :: atomic { runs(S) && granted[S] == CW && isFree(S) && lockspaceRuns &&
       (listed[S] == ABORTING || (listed[S] == JOINED && isDestinationGone)) ->
       granted[S] = EX }                                              /* becomeExclusive */
#ifdef BACK_BLINDLY
  :: atomic { runs(S) && listed[S] == ABORTING ->
#else
  :: atomic { runs(S) && granted[S] == EX && (listed[S] == ABORTING || listed[S] == JOINED) ->
#endif
       /* onConverted; settleConverted after a crash. It keeps the number that it had. */
       listed[S] = HELD;
       assert(generation[S] == newest);
       tell(S, EXCLUSIVE) }
  od
}

proctype Destination() {
end:
  do
  :: atomic { runs(D) && listed[D] == NONE && seen[D] == OFFERED && joins > 0 ->
       listed[D] = TAKING; joinedNumber = seenNumber; joins-- }       /* beginJoin */
  :: atomic { runs(D) && listed[D] == TAKING && granted[D] == NL && lockspaceRuns ->
       if                                                             /* the kernel, NOQUEUE */
       :: letsInCw -> granted[D] = CW
       :: else -> listed[D] = NONE                                    /* onTakeFailed */
       fi }
  :: atomic { runs(D) && listed[D] == TAKING && granted[D] == CW ->   /* onGranted */
       listed[D] = ACCEPTED }
  :: atomic { runs(D) && listed[D] == ACCEPTED && seen[D] == JOINED &&
       seenNumber == joinedNumber ->                                  /* driveDestination */
       listed[D] = JOINED; tell(D, SHARED) }
  :: atomic { runs(D) && listed[D] == JOINED ->                       /* askToLeave */
       listed[D] = LEAVING }
  :: atomic { runs(D) && listed[D] == JOINED ->                       /* onRelease */
       listed[D] = RELEASING; isReleasedThere = true; tell(D, NOTHING) }
#ifndef KEEP_ON_ABORT
  :: atomic { runs(D) && isTakingPart && granted[D] == CW && !isSourceGone &&
       (seen[D] == ABORTING || seen[D] == HELD || seenNumber != joinedNumber) ->
       listed[D] = RELEASING; tell(D, NOTHING) }                      /* dropJoin */
#endif
  :: atomic { runs(D) && listed[D] == RELEASING && granted[D] != NL && lockspaceRuns ->
       granted[D] = NL }                                              /* beginRelease */
  :: atomic { runs(D) && listed[D] == RELEASING && granted[D] == NL -> /* onUnlocked */
       listed[D] = NONE }
  :: atomic { runs(D) && isTakingPart && granted[D] == CW && isSourceGone && isFree(D) &&
       lockspaceRuns -> granted[D] = EX }                             /* becomeExclusive */
  :: atomic { runs(D) && isTakingPart && granted[D] == EX ->
       /* claimFor, becomeHeld; settleConverted after a crash. */
       listed[D] = HELD;
       newest++; generation[D] = newest;
       assert(generation[D] > generation[S]);
       tell(D, EXCLUSIVE) }
  od
}

/* What one end sees of the other, through manifests: late, or not at all while it lasts. */
proctype Views() {
end:
  do
  :: atomic { runs(S) && runs(D) && (listed[S] != OFFERED || granted[S] == CW) &&
       (seen[D] != listed[S] || seenNumber != number) ->
       seen[D] = listed[S]; seenNumber = number }
  :: atomic { runs(S) && runs(D) && isTakingPart && joinedNumber == number &&
       seen[S] != listed[D] -> seen[S] = listed[D] }
  :: atomic { runs(S) && runs(D) && !(isTakingPart && joinedNumber == number) &&
       !(listed[D] == RELEASING) && seen[S] != NONE -> seen[S] = NONE }
  :: atomic { nodeUp[S] && gone[D] && seen[S] != RECOVERED -> seen[S] = RECOVERED }
  :: atomic { nodeUp[D] && gone[S] && seen[D] != RECOVERED -> seen[D] = RECOVERED }
  od
}

/* A queued request is granted as soon as it may be; one that does not wait is asked always. */
proctype Third() {
end:
  do
  :: atomic { lockspaceRuns && granted[T] == NL && granted[S] == NL && granted[D] == NL ->
       assert(isNobodys);
       granted[T] = EX }
#ifdef CW_FOR_OWNERS
  :: atomic { lockspaceRuns && granted[T] == NL && granted[S] <= CW && granted[D] <= CW ->
       granted[T] = CW;
       assert(isNobodys) }
#endif
  od
}

inline crash(n) {
  /* What a daemon had in the kernel stays there as an orphan; its list stays as written. */
  atomic { runs(n) && crashes > 0 -> daemonUp[n] = false; crashes-- }
}

inline start(n) {
  /* onListFound, onLockspaceOpen, onAdopted: by list and kernel, in the modes found. A take
     whose intent is listed and which the kernel does not have never was. */
  atomic { nodeUp[n] && !daemonUp[n] && lockspaceRuns ->
    if
    :: listed[n] == TAKING && granted[n] == NL -> listed[n] = NONE   /* settleAbsent */
    :: else
    fi;
    daemonUp[n] = true;
    assert(listed[n] == NONE || listed[n] == RELEASING || granted[n] != NL) }
}

inline die(n) {
  atomic { nodeUp[n] && deaths > 0 ->
    nodeUp[n] = false; daemonUp[n] = false; told[n] = NOTHING; deaths-- }
}

inline recover(n) {
  atomic { !nodeUp[n] && !gone[n] -> gone[n] = true; granted[n] = NL }
}

proctype Faults() {
end:
  do
  :: crash(S) :: crash(D)
  :: start(S) :: start(D)
  :: die(S) :: die(D)
  :: recover(S) :: recover(D)
  :: atomic { crashes > 0 || deaths > 0 -> crashes = 0; deaths = 0 }  /* no more of them */
#ifdef RECOVER_UNFENCED
  :: atomic { nodeUp[S] && granted[S] != NL && deaths > 0 -> granted[S] = NL; gone[S] = true;
       deaths-- }
#endif
  od
}

#define owns(n) (nodeUp[n] && told[n] == EXCLUSIVE && granted[n] == EX && listed[n] == HELD)

/* Nothing more can happen: then one owner is left, or none where none may be. */
proctype Judge() {
  timeout ->
    assert((owns(S) && !owns(D)) || (owns(D) && !owns(S)) ||
      (isNobodys && granted[S] == NL && granted[D] == NL && granted[T] == EX))
}

init {
  atomic {
    granted[S] = EX; listed[S] = HELD; told[S] = EXCLUSIVE;
    newest = 1; generation[S] = 1;
    nodeUp[S] = true; nodeUp[D] = true; daemonUp[S] = true; daemonUp[D] = true;
    seen[D] = HELD;
    run Source(); run Destination(); run Views(); run Third(); run Faults(); run Judge()
  }
}
