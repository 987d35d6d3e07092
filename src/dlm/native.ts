import koffi, { type KoffiFunc } from 'koffi';

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
  const library = koffi.load('libdlm.so.3');
  const declare = <F extends (...args: never[]) => unknown>(definition: string): KoffiFunc<F> =>
    library.func(definition) as KoffiFunc<F>;
  return {
    dlm_kernel_version: declare(
      'int dlm_kernel_version(_Out_ uint32_t *maj, _Out_ uint32_t *min, _Out_ uint32_t *patch)',
    ),
    dlm_library_version: declare(
      'void dlm_library_version(_Out_ uint32_t *maj, _Out_ uint32_t *min, _Out_ uint32_t *patch)',
    ),
    dlm_create_lockspace: declare('void *dlm_create_lockspace(const char *name, uint32_t mode)'),
    dlm_release_lockspace: declare(
      'int dlm_release_lockspace(const char *name, void *ls, int force)',
    ),
    dlm_open_lockspace: declare('void *dlm_open_lockspace(const char *name)'),
    dlm_close_lockspace: declare('int dlm_close_lockspace(void *ls)'),
    dlm_ls_get_fd: declare('int dlm_ls_get_fd(void *ls)'),
    dlm_new_lockspace: declare(
      'void *dlm_new_lockspace(const char *name, uint32_t mode, uint32_t flags)',
    ),
    dlm_ls_lock: declare(
      'int dlm_ls_lock(uintptr_t lockspace, uint32_t mode, uintptr_t lksb, uint32_t flags, '
      + 'uintptr_t name, unsigned int namelen, uint32_t parent, uintptr_t astaddr, '
      + 'uintptr_t astarg, uintptr_t bastaddr, uintptr_t range)',
    ),
    dlm_ls_lockx: declare(
      'int dlm_ls_lockx(uintptr_t lockspace, uint32_t mode, uintptr_t lksb, uint32_t flags, '
      + 'uintptr_t name, unsigned int namelen, uint32_t parent, uintptr_t astaddr, '
      + 'uintptr_t astarg, uintptr_t bastaddr, uint64_t *xid, uint64_t *timeout)',
    ),
    dlm_ls_unlock: declare(
      'int dlm_ls_unlock(uintptr_t lockspace, uint32_t lkid, uint32_t flags, uintptr_t lksb, '
      + 'uintptr_t astarg)',
    ),
    dlm_ls_deadlock_cancel: declare(
      'int dlm_ls_deadlock_cancel(uintptr_t ls, uint32_t lkid, uint32_t flags)',
    ),
    dlm_ls_purge: declare('int dlm_ls_purge(uintptr_t lockspace, int nodeid, int pid)'),
  };
}
