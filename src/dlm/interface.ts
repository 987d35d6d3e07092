import {
  address, output, scalar, signature, struct, text, token, type CInterface,
} from '../native/c-type.js';
import * as c from './constants.js';

const int = scalar('int');
const uint32 = scalar('uint32_t');
const unsignedInt = scalar('unsigned int');
const mode = scalar('mode_t', 'uint32_t');
const lockspace = address('dlm_lshandle_t');
/** An address as a plain number, which costs a fraction of a BigInt. */
const lockspaceNumber = token('dlm_lshandle_t');
const statusBlock = token('struct dlm_lksb *');
const callback = token('void (*)(void *)');

const dlmLksb = struct('struct dlm_lksb', {
  sb_status: int, sb_lkid: uint32, sb_flags: scalar('char'), sb_lvbptr: address('char *'),
});

/**
 * What we use of libdlm, in the header's order. dlm_dispatch is left out: see child/answers.ts.
 * @see libdlm.h
 */
export const DLM_INTERFACE: CInterface = {
  header: 'libdlm.h',
  functions: {
    dlm_kernel_version: signature(int, output(uint32), output(uint32), output(uint32)),
    dlm_library_version: signature(null, output(uint32), output(uint32), output(uint32)),
    dlm_create_lockspace: signature(lockspace, text(), mode),
    dlm_release_lockspace: signature(int, text(), lockspace, int),
    dlm_open_lockspace: signature(lockspace, text()),
    dlm_close_lockspace: signature(int, lockspace),
    dlm_ls_get_fd: signature(int, lockspace),
    dlm_new_lockspace: signature(lockspace, text(), mode, uint32),
    dlm_ls_lock: signature(
      int, lockspaceNumber, uint32, statusBlock, uint32, token('const void *'), unsignedInt,
      uint32, callback, token(), callback, token(),
    ),
    dlm_ls_lockx: signature(
      int, lockspaceNumber, uint32, statusBlock, uint32, token('const void *'), unsignedInt,
      uint32, callback, token(), callback, address('uint64_t *'), address('uint64_t *'),
    ),
    dlm_ls_unlock: signature(int, lockspaceNumber, uint32, uint32, statusBlock, token()),
    dlm_ls_deadlock_cancel: signature(int, lockspaceNumber, uint32, uint32),
    dlm_ls_purge: signature(int, lockspaceNumber, int, int),
  },
  types: [dlmLksb],
  constants: {
    ...requestFlags(),
    ...Object.fromEntries(c.LOCK_MODES.map((name, number) => [`LKM_${name}MODE`, number])),
    DLM_SBF_DEMOTED: c.SBF_DEMOTED,
    DLM_SBF_VALNOTVALID: c.SBF_VALNOTVALID,
    DLM_SBF_ALTMODE: c.SBF_ALTMODE,
    DLM_LSFL_NEWEXCL: c.LSFL_NEWEXCL,
    DLM_LVB_LEN: c.VALUE_BYTES,
    DLM_RESNAME_MAXLEN: c.RESOURCE_BYTES_MAX,
    DLM_LOCKSPACE_LEN: c.LOCKSPACE_BYTES_MAX,
    ECANCEL: c.ECANCEL,
    EUNLOCK: c.EUNLOCK,
    EINPROG: c.EINPROG,
    'sizeof(struct dlm_lksb)': c.LKSB_BYTES,
    'offsetof(struct dlm_lksb, sb_status)': c.LKSB_STATUS_OFFSET,
    'offsetof(struct dlm_lksb, sb_lkid)': c.LKSB_LKID_OFFSET,
    'offsetof(struct dlm_lksb, sb_flags)': c.LKSB_FLAGS_OFFSET,
    'offsetof(struct dlm_lksb, sb_lvbptr)': c.LKSB_VALUE_OFFSET,
  },
};

/** The errnos by which we tell failures apart. @see errno(3) */
export const ERRNO_INTERFACE: CInterface = {
  header: 'errno.h',
  functions: {},
  types: [],
  constants: {
    EPERM: c.EPERM, ENOENT: c.ENOENT, EAGAIN: c.EAGAIN, EACCES: c.EACCES, EBUSY: c.EBUSY,
    EEXIST: c.EEXIST, EDEADLK: c.EDEADLK, EUNATCH: c.EUNATCH, EPROTO: c.EPROTO,
    ENOTCONN: c.ENOTCONN,
  },
};

/** Every LKF_ that constants.ts has. */
function requestFlags(): Record<string, number> {
  const flags: Record<string, number> = {};
  for (const [name, value] of Object.entries(c)) {
    if (name.startsWith('LKF_') && typeof value === 'number') flags[name] = value;
  }
  return flags;
}
