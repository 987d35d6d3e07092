/*
 * The C twin of the DLM benches: an asynchronous loop over libdlm that keeps a number of locks in
 * flight, each taken and unlocked again and again, on the thread that polls.
 *
 *   dlm-loop LOCKSPACE take|plain fresh|local IN_FLIGHT DURATION_MS [PREFIX] [PAIRS_MAX]
 *
 * take: what a take of ours is: NL|EXPEDITE, CONVERT|PERSISTENT|NOQUEUE to EX, unlock.
 * plain: a new EX lock, unlock; context only, since a crash in its queue is what take avoids.
 * fresh: every pair has a name never used before. local: each slot keeps one name, which this node
 * becomes master of. Prints one line of JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <libdlm.h>

#define IN_FLIGHT_MAX 4096
#define STALL_MS 30000

enum step { IDLE, NAMING, TAKING, UNLOCKING };

struct slot {
	struct dlm_lksb lksb;
	enum step step;
	char name[DLM_RESNAME_MAXLEN];
	unsigned int namelen;
};

static struct slot slots[IN_FLIGHT_MAX];
static dlm_lshandle_t lockspace;
static bool take, fresh;
static const char *prefix = "c";
static uint64_t pairs, pairs_max, names;
static int busy;
static int64_t deadline_ns;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "dlm-loop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void completed(void *arg);

/* Nobody else uses these names. */
static void blocked(void *arg)
{
	(void)arg;
}

static void lock(struct slot *slot, uint32_t mode, uint32_t flags)
{
	bool named = !(flags & LKF_CONVERT);

	if (dlm_ls_lock(lockspace, mode, &slot->lksb, flags, named ? slot->name : NULL,
			named ? slot->namelen : 0, 0, completed, slot, blocked, NULL) != 0)
		die("dlm_ls_lock");
}

static void begin(struct slot *slot)
{
	/* Asked here: with answers that come at once, dlm_dispatch never returns in between. */
	if (pairs_max != 0 ? names >= pairs_max : now_ns() >= deadline_ns) {
		slot->step = IDLE;
		busy--;
		return;
	}
	names++;
	if (fresh || slot->namelen == 0)
		slot->namelen = (unsigned int)snprintf(slot->name, sizeof(slot->name),
						       "%s-%" PRIu64, prefix, names);
	slot->step = take ? NAMING : TAKING;
	lock(slot, take ? LKM_NLMODE : LKM_EXMODE, take ? LKF_EXPEDITE : LKF_NOQUEUE);
}

static void completed(void *arg)
{
	struct slot *slot = arg;
	int wanted = slot->step == UNLOCKING ? EUNLOCK : 0;

	if (slot->lksb.sb_status != wanted) {
		errno = slot->lksb.sb_status;
		die("a completion");
	}
	switch (slot->step) {
	case NAMING:
		slot->step = TAKING;
		lock(slot, LKM_EXMODE, LKF_CONVERT | LKF_PERSISTENT | LKF_NOQUEUE);
		break;
	case TAKING:
		slot->step = UNLOCKING;
		if (dlm_ls_unlock(lockspace, slot->lksb.sb_lkid, 0, &slot->lksb, slot) != 0)
			die("dlm_ls_unlock");
		break;
	case UNLOCKING:
		pairs++;
		begin(slot);
		break;
	case IDLE:
		die("a completion of an idle slot");
	}
}

static void run(int in_flight, int64_t duration_ns)
{
	struct pollfd fd = { .fd = dlm_ls_get_fd(lockspace), .events = POLLIN };
	int64_t start = now_ns(), end;

	deadline_ns = start + duration_ns;
	for (int i = 0; i < in_flight; i++) {
		busy++;
		begin(&slots[i]);
	}
	while (busy > 0) {
		if (poll(&fd, 1, STALL_MS) != 1)
			die("poll");
		if (dlm_dispatch(fd.fd) < 0)
			die("dlm_dispatch");
	}
	end = now_ns();
	printf("{\"pairs\":%" PRIu64 ",\"ms\":%.3f,\"pairsPerSecond\":%.1f}\n", pairs,
	       (double)(end - start) / 1e6, (double)pairs * 1e9 / (double)(end - start));
}

int main(int argc, char **argv)
{
	int in_flight, duration_ms;

	if (argc < 6) {
		fprintf(stderr, "usage: %s LOCKSPACE take|plain fresh|local IN_FLIGHT "
			"DURATION_MS [PREFIX] [PAIRS_MAX]\n", argv[0]);
		return 2;
	}
	take = strcmp(argv[2], "take") == 0;
	fresh = strcmp(argv[3], "fresh") == 0;
	in_flight = atoi(argv[4]);
	duration_ms = atoi(argv[5]);
	if (argc > 6)
		prefix = argv[6];
	if (argc > 7)
		pairs_max = strtoull(argv[7], NULL, 10);
	if (in_flight < 1 || in_flight > IN_FLIGHT_MAX || duration_ms < 1) {
		fprintf(stderr, "dlm-loop: IN_FLIGHT is 1 to %d, DURATION_MS at least 1\n",
			IN_FLIGHT_MAX);
		return 2;
	}
	lockspace = dlm_open_lockspace(argv[1]);
	if (!lockspace)
		die("dlm_open_lockspace");
	run(in_flight, (int64_t)duration_ms * 1000000);
	return dlm_close_lockspace(lockspace);
}
