import type { LockMode } from './port.js';

/** The modes by libdlm.h's numbers (LKM_NLMODE …); the index is the native number. */
export const LOCK_MODES: readonly LockMode[] = ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'];

/** The native number of a mode. @see libdlm.h, LKM_* */
export function modeNumber(mode: LockMode): number {
  return LOCK_MODES.indexOf(mode);
}

/** The request flags, with libdlm.h's names and numbers. @see linux/dlmconstants.h */
export const LKF_NOQUEUE = 0x1;
export const LKF_CANCEL = 0x2;
export const LKF_CONVERT = 0x4;
/** Reads or writes the lock value block, by the modes before and after. */
export const LKF_VALBLK = 0x8;
/** Queues a convert behind those that wait already; only for conversions upwards. */
export const LKF_QUECVT = 0x10;
/** Invalidates the lock value block, at a convert or unlock from PW or EX. */
export const LKF_IVVALBLK = 0x20;
/** Resolves a conversion deadlock by demoting the granted mode to NL. */
export const LKF_CONVDEADLK = 0x40;
export const LKF_PERSISTENT = 0x80;
/** Queues a convert even where the kernel sees a conversion deadlock. */
export const LKF_NODLCKWT = 0x100;
/** Grants a new NL lock past every queue. */
export const LKF_EXPEDITE = 0x400;
/** Tells the holders also of a request that does not wait. */
export const LKF_NOQUEUEBAST = 0x800;
/** Enters the queue at its head. */
export const LKF_HEADQUE = 0x1000;
/** Granted as soon as it is compatible, whoever waits before it. */
export const LKF_NOORDER = 0x2000;
export const LKF_ORPHAN = 0x4000;
/** Grants PR, or CW, where the asked mode cannot be granted. */
export const LKF_ALTPR = 0x8000;
export const LKF_ALTCW = 0x10000;
/** Unlocks also what still waits or converts. */
export const LKF_FORCEUNLOCK = 0x20000;

/** What the kernel leaves in lksb.sb_flags. @see libdlm.h, DLM_SBF_* */
export const SBF_DEMOTED = 0x1;
export const SBF_VALNOTVALID = 0x2;
export const SBF_ALTMODE = 0x4;

/** Flags of a new lockspace. @see linux/dlmconstants.h, DLM_LSFL_* */
export const LSFL_NODIR = 0x1;
export const LSFL_NEWEXCL = 0x8;

/** DLM_LVB_LEN: a lock value block of user space has always so many bytes. */
export const VALUE_BYTES = 32;

/** What libdlm leaves in lksb.sb_status beside positive errnos. @see libdlm.h */
export const ECANCEL = 0x10001;
export const EUNLOCK = 0x10002;
export const EINPROG = 0x10003;

/** The errnos of Linux that libdlm calls return. @see errno(3) */
export const EPERM = 1;
export const ENOENT = 2;
export const EAGAIN = 11;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const EDEADLK = 35;
export const EUNATCH = 49;
export const EPROTO = 71;
export const ENOTCONN = 107;

/** sizeof(struct dlm_lksb) on 64-bit machines, and where its fields lie, in bytes. */
export const LKSB_BYTES = 24;
export const LKSB_STATUS_OFFSET = 0;
export const LKSB_LKID_OFFSET = 4;
export const LKSB_FLAGS_OFFSET = 8;
export const LKSB_VALUE_OFFSET = 16;

/** DLM_RESNAME_MAXLEN and DLM_LOCKSPACE_LEN, in bytes. */
export const RESOURCE_BYTES_MAX = 64;
export const LOCKSPACE_BYTES_MAX = 64;
