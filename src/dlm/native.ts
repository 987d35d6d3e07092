import koffi, { type KoffiFunc } from 'koffi';

/** `dlm_lshandle_t`: opaque to us. */
export type LockspaceHandle = bigint & { readonly brand: 'dlm_lshandle_t' };

/** `struct dlm_lksb *`, allocated outside the garbage collector: the kernel's answer lands here. */
export type StatusBlock = bigint & { readonly brand: 'struct dlm_lksb *' };

/** A registered C callback. */
export type NativeCallback = bigint & { readonly brand: 'ast' };

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
  readonly dlm_dispatch: (fd: number) => number;
  readonly dlm_new_lockspace: (
    name: string, mode: number, flags: number,
  ) => LockspaceHandle | null;
  readonly dlm_ls_lock: (
    ls: LockspaceHandle, mode: number, lksb: StatusBlock, flags: number,
    name: Uint8Array | null, namelen: number, parent: number,
    astaddr: NativeCallback, astarg: number, bastaddr: NativeCallback, range: null,
  ) => number;
  readonly dlm_ls_lockx: (
    ls: LockspaceHandle, mode: number, lksb: StatusBlock, flags: number,
    name: Uint8Array, namelen: number, parent: number,
    astaddr: NativeCallback, astarg: number, bastaddr: NativeCallback,
    xid: null, timeout: null,
  ) => number;
  readonly dlm_ls_unlock: (
    ls: LockspaceHandle, lkid: number, flags: number, lksb: StatusBlock, astarg: number,
  ) => number;
  readonly dlm_ls_deadlock_cancel: (ls: LockspaceHandle, lkid: number, flags: number) => number;
  readonly dlm_ls_purge: (ls: LockspaceHandle, nodeid: number, pid: number) => number;
  /** Wraps a function as `void (*)(void *)`; it must not throw. Never unregistered. */
  readonly callback: (run: (astarg: number) => void) => NativeCallback;
}

/**
 * Loads libdlm.so.3 and declares its functions. Only the child process may call this: every one
 * of them may block in the kernel, unkillable, while a lockspace is stopped. Throws a bare Error
 * when the library or a symbol is missing.
 *
 * `astarg` is declared as an integer: it carries the lock's number through C, never an address.
 * @see libdlm(3), libdlm.h
 */
export function loadLibDlm(): LibDlm {
  const library = koffi.load('libdlm.so.3');
  koffi.proto('void dlm_ast(uintptr_t astarg)');
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
    dlm_dispatch: declare('int dlm_dispatch(int fd)'),
    dlm_new_lockspace: declare(
      'void *dlm_new_lockspace(const char *name, uint32_t mode, uint32_t flags)',
    ),
    dlm_ls_lock: declare(
      'int dlm_ls_lock(void *lockspace, uint32_t mode, void *lksb, uint32_t flags, '
      + 'const void *name, unsigned int namelen, uint32_t parent, dlm_ast *astaddr, '
      + 'uintptr_t astarg, dlm_ast *bastaddr, void *range)',
    ),
    dlm_ls_lockx: declare(
      'int dlm_ls_lockx(void *lockspace, uint32_t mode, void *lksb, uint32_t flags, '
      + 'const void *name, unsigned int namelen, uint32_t parent, dlm_ast *astaddr, '
      + 'uintptr_t astarg, dlm_ast *bastaddr, uint64_t *xid, uint64_t *timeout)',
    ),
    dlm_ls_unlock: declare(
      'int dlm_ls_unlock(void *lockspace, uint32_t lkid, uint32_t flags, void *lksb, '
      + 'uintptr_t astarg)',
    ),
    dlm_ls_deadlock_cancel: declare(
      'int dlm_ls_deadlock_cancel(void *ls, uint32_t lkid, uint32_t flags)',
    ),
    dlm_ls_purge: declare('int dlm_ls_purge(void *lockspace, int nodeid, int pid)'),
    callback: (run) => koffi.register(run, 'dlm_ast *') as NativeCallback,
  };
}
