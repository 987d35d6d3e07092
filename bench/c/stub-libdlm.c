/*
 * A libdlm.so.3 without a kernel: the functions that the benches call, with libdlm's signatures,
 * for LD_LIBRARY_PATH. A lock is granted at once; its answer is written to a socket pair in the
 * kernel's own format (struct dlm_lock_result), so that whoever reads the lockspace's descriptor,
 * dlm_dispatch below or another reader, pays the system calls that the real device costs. With
 * HOLDFAST_STUB_LATENCY_US an answer comes so much later, as that of a master across a network, and
 * with HOLDFAST_STUB_SERVICE_US beside it no two answers come closer together than that: a model of
 * a DLM that does so many a second at most.
 *
 * It keeps no queues and refuses nothing: it measures the way to libdlm and back, not the DLM.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libdlm.h>
#include "late-answers.h"

/* The library's header and the kernel's both define struct dlm_lksb: ours is the library's. */
struct result {
	uint32_t version[3];
	uint32_t length;
	void *astaddr;
	void *astparam;
	struct dlm_lksb *user_lksb;
	struct dlm_lksb lksb;
	uint8_t bast_mode;
	uint8_t unused[3];
	uint32_t lvb_offset;
};
_Static_assert(sizeof(struct result) == 72, "struct dlm_lock_result of linux/dlm_device.h");
_Static_assert(sizeof(struct result) == LATE_ANSWER_BYTES, "what late-answers.c keeps");

#define LOCKS_MAX (1u << 20)
#define ANSWER_BYTES (8 << 20)

/* What a real kernel keeps for each lock: an unlock is answered with the lock's own addresses. */
struct lock {
	void *astaddr;
	struct dlm_lksb *lksb;
};

struct lockspace {
	int read_fd;
	int write_fd;
	bool late;
	struct lock locks[LOCKS_MAX];
	uint32_t next;
};

static int answer(struct lockspace *ls, uint32_t lkid, void *astarg, int status)
{
	struct lock *lock = &ls->locks[lkid % LOCKS_MAX];
	struct result result;

	memset(&result, 0, sizeof(result));
	result.version[0] = 6;
	result.length = sizeof(result);
	result.astaddr = lock->astaddr;
	result.astparam = astarg;
	result.user_lksb = lock->lksb;
	/* The kernel's statuses are negative; libdlm turns them round. */
	result.lksb.sb_status = -status;
	result.lksb.sb_lkid = lkid;
	if (ls->late)
		return late_answer(&result);
	return send(ls->write_fd, &result, sizeof(result), MSG_NOSIGNAL) < 0 ? -1 : 0;
}

dlm_lshandle_t dlm_open_lockspace(const char *name)
{
	struct lockspace *ls = calloc(1, sizeof(*ls));
	int fds[2], bytes = ANSWER_BYTES;

	(void)name;
	if (!ls || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return NULL;
	/* Without root the bound of the system stays: enough for a few hundred answers. */
	if (setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		errno = 0;
	ls->read_fd = fds[0];
	ls->write_fd = fds[1];
	ls->next = 1;
	ls->late = late_answer_us() > 0;
	if (ls->late && late_answers_start(ls->write_fd, late_answer_us()) != 0)
		return NULL;
	return ls;
}

dlm_lshandle_t dlm_create_lockspace(const char *name, mode_t mode)
{
	(void)mode;
	return dlm_open_lockspace(name);
}

dlm_lshandle_t dlm_new_lockspace(const char *name, mode_t mode, uint32_t flags)
{
	(void)mode;
	(void)flags;
	return dlm_open_lockspace(name);
}

int dlm_kernel_version(uint32_t *major, uint32_t *minor, uint32_t *patch)
{
	*major = *minor = *patch = 0;
	return 0;
}

void dlm_library_version(uint32_t *major, uint32_t *minor, uint32_t *patch)
{
	*major = *minor = *patch = 0;
}

/* Nothing ever waits and nobody leaves orphans here. */
int dlm_ls_deadlock_cancel(dlm_lshandle_t handle, uint32_t lkid, uint32_t flags)
{
	(void)handle; (void)lkid; (void)flags;
	return 0;
}

int dlm_ls_purge(dlm_lshandle_t handle, int nodeid, int pid)
{
	(void)handle; (void)nodeid; (void)pid;
	return 0;
}

int dlm_close_lockspace(dlm_lshandle_t handle)
{
	struct lockspace *ls = handle;

	close(ls->read_fd);
	close(ls->write_fd);
	free(ls);
	return 0;
}

int dlm_release_lockspace(const char *name, dlm_lshandle_t handle, int force)
{
	(void)name;
	(void)force;
	return dlm_close_lockspace(handle);
}

int dlm_ls_get_fd(dlm_lshandle_t handle)
{
	return ((struct lockspace *)handle)->read_fd;
}

int dlm_ls_lock(dlm_lshandle_t handle, uint32_t mode, struct dlm_lksb *lksb, uint32_t flags,
		const void *name, unsigned int namelen, uint32_t parent,
		void (*astaddr)(void *), void *astarg, void (*bastaddr)(void *), void *range)
{
	struct lockspace *ls = handle;

	(void)mode; (void)name; (void)parent; (void)bastaddr; (void)range;
	/* An adoption is answered by the call itself; every orphan that is asked for exists. */
	if (flags & LKF_ORPHAN) {
		lksb->sb_lkid = ls->next++ % LOCKS_MAX;
		ls->locks[lksb->sb_lkid].astaddr = (void *)astaddr;
		ls->locks[lksb->sb_lkid].lksb = lksb;
		return 0;
	}
	if (!astaddr || namelen > DLM_RESNAME_MAXLEN) {
		errno = EINVAL;
		return -1;
	}
	if (!(flags & LKF_CONVERT))
		lksb->sb_lkid = ls->next++ % LOCKS_MAX;
	lksb->sb_status = EINPROG;
	ls->locks[lksb->sb_lkid].astaddr = (void *)astaddr;
	ls->locks[lksb->sb_lkid].lksb = lksb;
	return answer(ls, lksb->sb_lkid, astarg, 0);
}

int dlm_ls_lockx(dlm_lshandle_t handle, uint32_t mode, struct dlm_lksb *lksb, uint32_t flags,
		 const void *name, unsigned int namelen, uint32_t parent,
		 void (*astaddr)(void *), void *astarg, void (*bastaddr)(void *),
		 uint64_t *xid, uint64_t *timeout)
{
	(void)xid; (void)timeout;
	return dlm_ls_lock(handle, mode, lksb, flags, name, namelen, parent, astaddr, astarg,
			   bastaddr, NULL);
}

int dlm_ls_unlock(dlm_lshandle_t handle, uint32_t lkid, uint32_t flags, struct dlm_lksb *lksb,
		  void *astarg)
{
	struct lockspace *ls = handle;

	(void)flags;
	if (lkid >= LOCKS_MAX || !ls->locks[lkid].astaddr) {
		errno = ENOENT;
		return -1;
	}
	lksb->sb_status = EINPROG;
	return answer(ls, lkid, astarg, EUNLOCK);
}

static int dispatch_one(int fd)
{
	struct result result;
	ssize_t bytes = read(fd, &result, sizeof(result));

	if (bytes <= 0)
		return -1;
	memcpy(result.user_lksb, &result.lksb, sizeof(struct dlm_lksb) - sizeof(char *));
	result.user_lksb->sb_status = -result.user_lksb->sb_status;
	((void (*)(void *))result.astaddr)(result.astparam);
	return 0;
}

/* Sets the descriptor non-blocking and back around its loop, as libdlm does. */
int dlm_dispatch(int fd)
{
	int status, flags = fcntl(fd, F_GETFL, 0);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	do {
		status = dispatch_one(fd);
	} while (status == 0);
	if (status < 0 && errno == EAGAIN)
		status = 0;
	fcntl(fd, F_SETFL, flags);
	return status;
}
