import koffi from 'koffi';
import {
  LKF_CANCEL, LKF_CONVERT, LKF_EXPEDITE, LKF_NOQUEUE, LKF_ORPHAN, LKF_PERSISTENT, LKF_QUECVT,
  LKSB_BYTES, LKSB_LKID_OFFSET, LKSB_STATUS_OFFSET, modeNumber,
} from '../constants.js';
import type { LibDlm, LockspaceHandle, NativeCallback, StatusBlock } from '../native.js';
import type { LockMode } from '../port.js';

/**
 * The lock calls of one lockspace, each by the lock's number. All return 0, or the errno of a call
 * that failed at once; what comes of a successful call is told later by a completion. Every call
 * may block for as long as the lockspace is stopped.
 */
export interface LockKernel {
  /** A new request in NL, without PERSISTENT: never queued, so a kill leaves nothing behind. */
  requestNull(id: number, resource: string): number;
  /** CONVERT|PERSISTENT, with NOQUEUE unless it may wait. */
  /** The first conversion, from NL. */
  convertFromNull(id: number, mode: LockMode, wait: boolean): number;
  convert(id: number, mode: LockMode, wait: boolean): number;
  /** ORPHAN|PERSISTENT. Synchronous: 0 is the adoption itself, no completion follows. */
  adopt(id: number, resource: string, mode: LockMode): number;
  unlock(id: number): number;
  cancel(id: number): number;
  /** Forgets the lock's status block; only when the kernel has no lock of this number (more). */
  drop(id: number): void;
}

/** What the kernel told about a lock: a completion with its status, or that it blocks someone. */
export type LockNotice =
  | { readonly kind: 'completion'; readonly id: number; readonly status: number }
  | { readonly kind: 'blocking'; readonly id: number };

/** The real side: libdlm, by an open lockspace. */
export class LibDlmKernel implements LockKernel {
  readonly #library: LibDlm;
  readonly #handle: LockspaceHandle;
  readonly #blocks = new Map<number, StatusBlock>();
  readonly #ast: NativeCallback;
  readonly #bast: NativeCallback;
  #notices: LockNotice[] = [];
  #fault: unknown = null;

  constructor(library: LibDlm, handle: LockspaceHandle) {
    this.#library = library;
    this.#handle = handle;
    this.#ast = library.callback((id) => this.#guard(() => this.#complete(id)));
    this.#bast = library.callback((id) => this.#guard(() => {
      this.#notices.push({ kind: 'blocking', id });
    }));
  }

  /**
   * Runs dlm_dispatch and returns what it told, in order. Nothing is acted on inside the C
   * callbacks: they copy, because a later notice overwrites the same status block.
   */
  dispatch(fd: number): LockNotice[] {
    this.#library.dlm_dispatch(fd);
    const notices = this.#notices;
    this.#notices = [];
    if (this.#fault !== null) {
      throw new Error('a lock callback failed', { cause: this.#fault });
    }
    return notices;
  }

  /** EXPEDITE, since without it even NL would queue behind whoever waits for a convert. */
  requestNull(id: number, resource: string): number {
    return this.#lock(id, 'NL', LKF_EXPEDITE, resource);
  }

  /**
   * The first conversion, from NL. QUECVT makes those that wait first come, first served: without
   * it readers that keep coming would pass a waiting writer for ever.
   */
  convertFromNull(id: number, mode: LockMode, wait: boolean): number {
    const flags = LKF_CONVERT | LKF_PERSISTENT | (wait ? LKF_QUECVT : LKF_NOQUEUE);
    return this.#lock(id, mode, flags, null);
  }

  convert(id: number, mode: LockMode, wait: boolean): number {
    const flags = LKF_CONVERT | LKF_PERSISTENT | (wait ? 0 : LKF_NOQUEUE);
    return this.#lock(id, mode, flags, null);
  }

  adopt(id: number, resource: string, mode: LockMode): number {
    const name = Buffer.from(resource);
    return errnoOf(this.#library.dlm_ls_lockx(
      this.#handle, modeNumber(mode), this.#block(id), LKF_ORPHAN | LKF_PERSISTENT,
      name, name.length, 0, this.#ast, id, this.#bast, null, null,
    ));
  }

  unlock(id: number): number {
    return this.#unlock(id, 0);
  }

  cancel(id: number): number {
    return this.#unlock(id, LKF_CANCEL);
  }

  drop(id: number): void {
    const block = this.#blocks.get(id);
    if (block !== undefined) {
      this.#blocks.delete(id);
      koffi.free(block);
    }
  }

  #lock(id: number, mode: LockMode, flags: number, resource: string | null): number {
    const name = resource === null ? null : Buffer.from(resource);
    return errnoOf(this.#library.dlm_ls_lock(
      this.#handle, modeNumber(mode), this.#block(id), flags,
      name, name?.length ?? 0, 0, this.#ast, id, this.#bast, null,
    ));
  }

  #unlock(id: number, flags: number): number {
    const block = this.#block(id);
    const lkid = koffi.decode(block, LKSB_LKID_OFFSET, 'uint32_t') as number;
    return errnoOf(this.#library.dlm_ls_unlock(this.#handle, lkid, flags, block, id));
  }

  /** The status block of this lock, made on first use. Zeroed: it holds the LVB's address. */
  #block(id: number): StatusBlock {
    const known = this.#blocks.get(id);
    if (known !== undefined) {
      return known;
    }
    const block = koffi.alloc('uint8_t', LKSB_BYTES) as StatusBlock;
    koffi.encode(block, koffi.array('uint8_t', LKSB_BYTES), new Uint8Array(LKSB_BYTES));
    this.#blocks.set(id, block);
    return block;
  }

  #complete(id: number): void {
    const block = this.#blocks.get(id);
    if (block === undefined) {
      throw new Error(`a completion came for lock ${id}, which is gone`);
    }
    const status = koffi.decode(block, LKSB_STATUS_OFFSET, 'int') as number;
    this.#notices.push({ kind: 'completion', id, status });
  }

  /** koffi skips every later callback of a dispatch once one has thrown: none may. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (fault) {
      this.#fault ??= fault;
    }
  }
}

function errnoOf(result: number): number {
  return result === 0 ? 0 : koffi.errno();
}
