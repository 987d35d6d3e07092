import koffi from 'koffi';
import {
  LKF_CANCEL, LKF_CONVERT, LKF_EXPEDITE, LKF_ORPHAN, LKF_PERSISTENT, LKF_VALBLK, LKSB_BYTES,
  LKSB_FLAGS_OFFSET, LKSB_LKID_OFFSET, LKSB_STATUS_OFFSET, LKSB_VALUE_OFFSET, modeNumber,
  VALUE_BYTES,
} from '../constants.js';
import type { KernelCall } from '../call-board.js';
import type { LibDlm, LockspaceHandle, NativeCallback, StatusBlock } from '../native.js';
import type { LockMode } from '../port.js';

/**
 * The lock calls of one lockspace, each by the lock's number. All return 0, or the errno of a call
 * that failed at once; what comes of a successful call is told later by a completion. Every call
 * may block for as long as the lockspace is stopped. `flags` are whole: see lock-flags.ts. `value`
 * is what VALBLK writes; with null and VALBLK the completion brings what was read.
 */
export interface LockKernel {
  /** A new request in NL, without PERSISTENT: never queued, so a kill leaves nothing behind. */
  requestNull(id: number, resource: string): number;
  /**
   * A new request in any mode. Never with PERSISTENT when it may wait: a *new* persistent request
   * that is queued when its process dies makes the next purge crash the kernel.
   */
  request(id: number, resource: string, mode: LockMode, flags: number): number;
  convert(id: number, mode: LockMode, flags: number, value: Uint8Array | null): number;
  /** ORPHAN|PERSISTENT. Synchronous: 0 is the adoption itself, no completion follows. */
  adopt(id: number, resource: string, mode: LockMode): number;
  /** Never with VALBLK: dlm_ls_unlock sends bytes of its stack for a value, not the caller's. */
  unlock(id: number, flags: number): number;
  cancel(id: number): number;
  /** A cancel whose completion says EDEADLK. */
  deadlockCancel(id: number): number;
  /** Forgets the lock's status block; only when the kernel has no lock of this number (more). */
  drop(id: number): void;
}

/** What the kernel told about a lock: a completion with its status, or that it blocks someone. */
export type LockNotice =
  | {
      readonly kind: 'completion';
      readonly id: number;
      readonly status: number;
      /** DLM_SBF bits. */
      readonly flags: number;
      /** The value block as it is after this; null for a lock that never used it. */
      readonly value: Uint8Array | null;
    }
  | { readonly kind: 'blocking'; readonly id: number };

/** Tells the parent, who cannot ask, which call is under way. */
export interface CallSigns {
  enter(call: KernelCall, id: number): void;
  leave(): void;
}

/** What C keeps pointers to, for one lock. */
interface Blocks {
  readonly status: StatusBlock;
  /** Made on first use and kept: libdlm copies into it whatever the kernel sends from then on. */
  value: bigint | null;
}

/** The real side: libdlm, by an open lockspace. */
export class LibDlmKernel implements LockKernel {
  readonly #library: LibDlm;
  readonly #handle: LockspaceHandle;
  readonly #signs: CallSigns;
  readonly #blocks = new Map<number, Blocks>();
  readonly #ast: NativeCallback;
  readonly #bast: NativeCallback;
  #notices: LockNotice[] = [];
  #fault: unknown = null;

  constructor(library: LibDlm, handle: LockspaceHandle, signs: CallSigns) {
    this.#library = library;
    this.#handle = handle;
    this.#signs = signs;
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
    return this.request(id, resource, 'NL', LKF_EXPEDITE);
  }

  request(id: number, resource: string, mode: LockMode, flags: number): number {
    return this.#lock('request', id, mode, flags, Buffer.from(resource), null);
  }

  convert(id: number, mode: LockMode, flags: number, value: Uint8Array | null): number {
    return this.#lock('convert', id, mode, flags | LKF_CONVERT, null, value);
  }

  adopt(id: number, resource: string, mode: LockMode): number {
    const name = Buffer.from(resource);
    const { status } = this.#blocksOf(id);
    this.#signs.enter('adopt', id);
    const result = this.#library.dlm_ls_lockx(
      this.#handle, modeNumber(mode), status, LKF_ORPHAN | LKF_PERSISTENT,
      name, name.length, 0, this.#ast, id, this.#bast, null, null,
    );
    return this.#left(result);
  }

  unlock(id: number, flags: number): number {
    return this.#unlock('unlock', id, flags);
  }

  cancel(id: number): number {
    return this.#unlock('cancel', id, LKF_CANCEL);
  }

  deadlockCancel(id: number): number {
    const lkid = lkidOf(this.#blocksOf(id).status);
    this.#signs.enter('deadlock-cancel', id);
    return this.#left(this.#library.dlm_ls_deadlock_cancel(this.#handle, lkid, 0));
  }

  drop(id: number): void {
    const blocks = this.#blocks.get(id);
    if (blocks !== undefined) {
      this.#blocks.delete(id);
      koffi.free(blocks.status);
      if (blocks.value !== null) {
        koffi.free(blocks.value);
      }
    }
  }

  #lock(
    call: KernelCall, id: number, mode: LockMode, flags: number, name: Buffer | null,
    value: Uint8Array | null,
  ): number {
    const blocks = this.#blocksOf(id);
    if ((flags & LKF_VALBLK) !== 0) {
      fillValue(blocks, value);
    }
    this.#signs.enter(call, id);
    const result = this.#library.dlm_ls_lock(
      this.#handle, modeNumber(mode), blocks.status, flags,
      name, name?.length ?? 0, 0, this.#ast, id, this.#bast, null,
    );
    return this.#left(result);
  }

  #unlock(call: KernelCall, id: number, flags: number): number {
    const { status } = this.#blocksOf(id);
    const lkid = lkidOf(status);
    this.#signs.enter(call, id);
    return this.#left(this.#library.dlm_ls_unlock(this.#handle, lkid, flags, status, id));
  }

  /** A call has come back: 0, or its errno, which is read before anything else can set it. */
  #left(result: number): number {
    const errno = result === 0 ? 0 : koffi.errno();
    this.#signs.leave();
    return errno;
  }

  /** The blocks of this lock, made on first use. Zeroed: the status holds the value's address. */
  #blocksOf(id: number): Blocks {
    const known = this.#blocks.get(id);
    if (known !== undefined) {
      return known;
    }
    const blocks: Blocks = { status: allocate(LKSB_BYTES) as StatusBlock, value: null };
    this.#blocks.set(id, blocks);
    return blocks;
  }

  #complete(id: number): void {
    const blocks = this.#blocks.get(id);
    if (blocks === undefined) {
      throw new Error(`a completion came for lock ${id}, which is gone`);
    }
    const status = koffi.decode(blocks.status, LKSB_STATUS_OFFSET, 'int') as number;
    const flags = koffi.decode(blocks.status, LKSB_FLAGS_OFFSET, 'uint8_t') as number;
    const value = blocks.value === null ? null : new Uint8Array(
      koffi.decode(blocks.value, koffi.array('uint8_t', VALUE_BYTES)) as Uint8Array,
    );
    this.#notices.push({ kind: 'completion', id, status, flags, value });
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

function lkidOf(status: StatusBlock): number {
  return koffi.decode(status, LKSB_LKID_OFFSET, 'uint32_t') as number;
}

/**
 * Puts the value where libdlm takes it from, zeros for one that is to be read: where the resource
 * has no value yet the kernel gives back what it was given.
 */
function fillValue(blocks: Blocks, value: Uint8Array | null): void {
  if (blocks.value === null) {
    blocks.value = allocate(VALUE_BYTES);
    koffi.encode(blocks.status, LKSB_VALUE_OFFSET, 'void *', blocks.value);
  }
  const bytes = value ?? new Uint8Array(VALUE_BYTES);
  koffi.encode(blocks.value, koffi.array('uint8_t', VALUE_BYTES), bytes);
}

/** Zeroed memory that the garbage collector does not move. */
function allocate(bytes: number): bigint {
  const block = koffi.alloc('uint8_t', bytes) as bigint;
  koffi.encode(block, koffi.array('uint8_t', bytes), new Uint8Array(bytes));
  return block;
}
