import type { LockMode } from './port.js';

/** The modes by libdlm.h's numbers (LKM_NLMODE …); the index is the native number. */
export const LOCK_MODES: readonly LockMode[] = ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'];

/** The native number of a mode. @see libdlm.h, LKM_* */
export function modeNumber(mode: LockMode): number {
  return LOCK_MODES.indexOf(mode);
}

/** The request flags that we use, with libdlm.h's names and numbers. */
export const LKF_NOQUEUE = 0x1;
export const LKF_CANCEL = 0x2;
export const LKF_CONVERT = 0x4;
/** Queues a convert behind those that wait already; only for conversions upwards. */
export const LKF_QUECVT = 0x10;
export const LKF_PERSISTENT = 0x80;
/** Grants a new NL lock past every queue. */
export const LKF_EXPEDITE = 0x400;
export const LKF_ORPHAN = 0x4000;

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
export const EDEADLK = 35;
export const EUNATCH = 49;
export const ENOTCONN = 107;

/** sizeof(struct dlm_lksb) on 64-bit machines, and where its fields lie, in bytes. */
export const LKSB_BYTES = 24;
export const LKSB_STATUS_OFFSET = 0;
export const LKSB_LKID_OFFSET = 4;

/** DLM_RESNAME_MAXLEN and DLM_LOCKSPACE_LEN, in bytes. */
export const RESOURCE_BYTES_MAX = 64;
export const LOCKSPACE_BYTES_MAX = 64;
