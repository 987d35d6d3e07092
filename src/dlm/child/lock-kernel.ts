import koffi from 'koffi';
import type { KernelCall } from '../call-board.js';
import {
  LKF_CANCEL, LKF_CONVERT, LKF_EXPEDITE, LKF_ORPHAN, LKF_PERSISTENT, LKF_VALBLK, LOCK_MODES,
  modeNumber, RESOURCE_BYTES_MAX, VALUE_BYTES,
} from '../constants.js';
import { allocate, type NativeMemory } from '../libc.js';
import type { Address, LibDlm, LockspaceHandle } from '../native.js';
import type { LockMode } from '../port.js';
import { BLOCKING_TOKEN, COMPLETION_TOKEN, type Answers } from './answers.js';
import { StatusArena } from './status-arena.js';

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
      /** The value block that came along; null for none. */
      readonly value: Uint8Array | null;
    }
  | {
      readonly kind: 'blocking';
      readonly id: number;
      /** What somebody waits for. */
      readonly mode: LockMode;
    };

/** Tells the parent, who cannot ask, which call is under way. */
export interface CallSigns {
  enter(call: KernelCall, id: number): void;
  leave(): void;
}

/** Most answers that one drain handles, so that requests get their turn. */
export const ANSWERS_MAX = 512;

/** @see errno(3) */
const ENOMEM = 12;

export interface LibDlmKernelModules {
  readonly library: LibDlm;
  readonly handle: LockspaceHandle;
  readonly answers: Answers;
  readonly signs: CallSigns;
}

/** The status block of one lock, by its slot in the arena. */
interface Block {
  readonly slot: number;
  readonly address: Address;
}

/** The real side: libdlm for requests, the lockspace's descriptor for what the kernel answers. */
export class LibDlmKernel implements LockKernel {
  readonly #library: LibDlm;
  readonly #handle: Address;
  readonly #answers: Answers;
  readonly #signs: CallSigns;
  readonly #arena = new StatusArena();
  readonly #blocks = new Map<number, Block>();
  /** Where C reads a name; used during a call only. */
  readonly #name: { readonly address: Address; readonly bytes: Buffer };
  /** Calls whose completions have not been read. */
  #awaited = 0;

  constructor({ library, handle, answers, signs }: LibDlmKernelModules) {
    this.#library = library;
    this.#handle = Number(handle);
    this.#answers = answers;
    this.#signs = signs;
    const { address, bytes } = nameMemory ??= allocate(RESOURCE_BYTES_MAX);
    this.#name = { address, bytes: Buffer.from(bytes) };
  }

  /** How many status blocks are in use. */
  get blocksUsed(): number {
    return this.#arena.used;
  }

  /**
   * Tells what the kernel has answered so far, in order, up to ANSWERS_MAX, answers to what `tell`
   * itself asks for included. Stops without a last look when nothing is awaited any more: a
   * blocking notice that comes alone makes the descriptor readable.
   */
  drain(tell: (notice: LockNotice) => void): void {
    const answers = this.#answers;
    for (let count = 0; count < ANSWERS_MAX && answers.next(); count += 1) {
      if (answers.blocking) {
        tell({ kind: 'blocking', id: answers.id, mode: modeOf(answers.blockedMode) });
        continue;
      }
      this.#awaited -= 1;
      tell({
        kind: 'completion', id: answers.id, status: answers.status, flags: answers.statusFlags,
        value: answers.value,
      });
      if (this.#awaited <= 0) {
        this.#awaited = 0;
        return;
      }
    }
  }

  /** EXPEDITE, since without it even NL would queue behind whoever waits for a convert. */
  requestNull(id: number, resource: string): number {
    return this.request(id, resource, 'NL', LKF_EXPEDITE);
  }

  request(id: number, resource: string, mode: LockMode, flags: number): number {
    return this.#lock('request', id, mode, flags, resource, null);
  }

  convert(id: number, mode: LockMode, flags: number, value: Uint8Array | null): number {
    return this.#lock('convert', id, mode, flags | LKF_CONVERT, null, value);
  }

  adopt(id: number, resource: string, mode: LockMode): number {
    const block = this.#block(id);
    if (block === null) {
      return ENOMEM;
    }
    const { address, bytes } = this.#name;
    const length = bytes.write(resource);
    this.#signs.enter('adopt', id);
    return this.#left(this.#library.dlm_ls_lockx(
      this.#handle, modeNumber(mode), block.address, LKF_ORPHAN | LKF_PERSISTENT,
      address, length, 0, COMPLETION_TOKEN, id, BLOCKING_TOKEN, null, null,
    ));
  }

  unlock(id: number, flags: number): number {
    return this.#awaits(this.#unlock('unlock', id, flags));
  }

  /** No completion of its own: what is cancelled completes. */
  cancel(id: number): number {
    return this.#unlock('cancel', id, LKF_CANCEL);
  }

  deadlockCancel(id: number): number {
    const block = this.#block(id);
    if (block === null) {
      return ENOMEM;
    }
    const lkid = this.#arena.lkid(block.slot);
    this.#signs.enter('deadlock-cancel', id);
    return this.#left(this.#library.dlm_ls_deadlock_cancel(this.#handle, lkid, LKF_CANCEL));
  }

  drop(id: number): void {
    const block = this.#blocks.get(id);
    if (block !== undefined) {
      this.#blocks.delete(id);
      this.#arena.release(block.slot);
      if (this.#blocks.size === 0) {
        // A forced unlock answers for two calls: here the count is right again.
        this.#awaited = 0;
      }
    }
  }

  #lock(
    call: KernelCall, id: number, mode: LockMode, flags: number, resource: string | null,
    value: Uint8Array | null,
  ): number {
    const block = this.#block(id);
    if (block === null) {
      return ENOMEM;
    }
    if ((flags & LKF_VALBLK) !== 0) {
      // Zeros for one that is read: where the resource has no value the kernel gives these back.
      this.#arena.value(block.slot).set(value ?? NO_VALUE);
    }
    const { address, bytes } = this.#name;
    const length = resource === null ? 0 : bytes.write(resource);
    this.#signs.enter(call, id);
    return this.#awaits(this.#left(this.#library.dlm_ls_lock(
      this.#handle, modeNumber(mode), block.address, flags,
      resource === null ? 0 : address, length, 0, COMPLETION_TOKEN, id, BLOCKING_TOKEN, 0,
    )));
  }

  #unlock(call: KernelCall, id: number, flags: number): number {
    const block = this.#block(id);
    if (block === null) {
      return ENOMEM;
    }
    const lkid = this.#arena.lkid(block.slot);
    this.#signs.enter(call, id);
    return this.#left(
      this.#library.dlm_ls_unlock(this.#handle, lkid, flags, block.address, id),
    );
  }

  /** A call has come back: 0, or its errno, which is read before anything else can set it. */
  #left(result: number): number {
    const errno = result === 0 ? 0 : koffi.errno();
    this.#signs.leave();
    return errno;
  }

  #awaits(errno: number): number {
    if (errno === 0) {
      this.#awaited += 1;
    }
    return errno;
  }

  /** The status block of this lock, made on first use; null when there are too many. */
  #block(id: number): Block | null {
    const known = this.#blocks.get(id);
    if (known !== undefined) {
      return known;
    }
    const slot = this.#arena.acquire();
    if (slot === null) {
      return null;
    }
    const block = { slot, address: this.#arena.address(slot) };
    this.#blocks.set(id, block);
    return block;
  }
}

const NO_VALUE = new Uint8Array(VALUE_BYTES);

let nameMemory: NativeMemory | null = null;

function modeOf(number: number): LockMode {
  const mode = LOCK_MODES[number];
  if (mode === undefined) {
    throw new Error(`the kernel knows a lock mode ${number}`);
  }
  return mode;
}
