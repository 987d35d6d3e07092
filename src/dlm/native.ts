import koffi from 'koffi';
import { declareFunctions } from '../native/declare.js';
import { DLM_INTERFACE } from './interface.js';

/** `dlm_lshandle_t`: opaque to us. */
export type LockspaceHandle = bigint & { readonly brand: 'dlm_lshandle_t' };

/** An address as a plain number, which costs a fraction of a BigInt; 0 is the null pointer. */
export type Address = number;

/** C writes the three numbers into the arrays. */
type VersionCall<R> = (maj: number[], min: number[], patch: number[]) => R;

/** The functions of libdlm.so.3 that we call, in the order of libdlm.h, under their C names. */
export interface LibDlm {
  readonly dlm_kernel_version: VersionCall<number>;
  readonly dlm_library_version: VersionCall<void>;
  readonly dlm_create_lockspace: (name: string, mode: number) => LockspaceHandle | null;
  readonly dlm_release_lockspace: (
    name: string, ls: LockspaceHandle | null, force: number,
  ) => number;
  readonly dlm_open_lockspace: (name: string) => LockspaceHandle | null;
  readonly dlm_close_lockspace: (ls: LockspaceHandle) => number;
  readonly dlm_ls_get_fd: (ls: LockspaceHandle) => number;
  readonly dlm_new_lockspace: (
    name: string, mode: number, flags: number,
  ) => LockspaceHandle | null;
  readonly dlm_ls_lock: (
    ls: Address, mode: number, lksb: Address, flags: number,
    name: Address, namelen: number, parent: number,
    astaddr: Address, astarg: number, bastaddr: Address, range: Address,
  ) => number;
  readonly dlm_ls_lockx: (
    ls: Address, mode: number, lksb: Address, flags: number,
    name: Address, namelen: number, parent: number,
    astaddr: Address, astarg: number, bastaddr: Address,
    xid: null, timeout: null,
  ) => number;
  readonly dlm_ls_unlock: (
    ls: Address, lkid: number, flags: number, lksb: Address, astarg: number,
  ) => number;
  readonly dlm_ls_deadlock_cancel: (ls: Address, lkid: number, flags: number) => number;
  readonly dlm_ls_purge: (ls: Address, nodeid: number, pid: number) => number;
}

/**
 * Loads libdlm.so.3 and declares its functions. Only the child process may call this: every one
 * of them may block in the kernel, unkillable, while a lockspace is stopped. Throws a bare Error
 * when the library or a symbol is missing.
 *
 * `astarg` is declared as an integer: it carries the lock's number through C, never an address.
 * dlm_dispatch is left out: see answers.ts.
 * @see libdlm(3), libdlm.h
 */
export function loadLibDlm(): LibDlm {
  return declareFunctions<LibDlm>(koffi, koffi.load('libdlm.so.3'), DLM_INTERFACE.functions);
}
