import koffi from 'koffi';
import {
  LKF_CANCEL, LKF_CONVERT, LKF_EXPEDITE, LKF_NOQUEUE, LKF_ORPHAN, LKF_PERSISTENT, LKF_QUECVT,
  modeNumber, RESOURCE_BYTES_MAX,
} from '../constants.js';
import { allocate, type NativeMemory } from '../libc.js';
import type { Address, LibDlm, LockspaceHandle } from '../native.js';
import type { LockMode } from '../port.js';
import { BLOCKING_TOKEN, COMPLETION_TOKEN, type Answers } from './answers.js';
import { StatusArena } from './status-arena.js';

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

/** Most answers that one drain handles, so that requests get their turn. */
export const ANSWERS_MAX = 512;

/** @see errno(3) */
const ENOMEM = 12;

export interface LibDlmKernelModules {
  readonly library: LibDlm;
  readonly handle: LockspaceHandle;
  readonly answers: Answers;
}

/** The real side: libdlm for requests, the lockspace's descriptor for what the kernel answers. */
export class LibDlmKernel implements LockKernel {
  readonly #library: LibDlm;
  readonly #handle: Address;
  readonly #answers: Answers;
  readonly #arena = new StatusArena();
  readonly #slots = new Map<number, number>();
  /** Where C reads a name; used during a call only. */
  readonly #name: { readonly address: Address; readonly bytes: Buffer };
  /** Calls whose completions have not been read. */
  #awaited = 0;

  constructor({ library, handle, answers }: LibDlmKernelModules) {
    this.#library = library;
    this.#handle = Number(handle);
    this.#answers = answers;
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
    for (let count = 0; count < ANSWERS_MAX; count += 1) {
      if (!answers.next()) {
        return;
      }
      if (answers.blocking) {
        tell({ kind: 'blocking', id: answers.id });
      } else {
        this.#awaited -= 1;
        tell({ kind: 'completion', id: answers.id, status: answers.status });
        if (this.#awaited <= 0) {
          this.#awaited = 0;
          return;
        }
      }
    }
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
    const slot = this.#slot(id);
    if (slot === null) {
      return ENOMEM;
    }
    const { address, bytes } = this.#name;
    return errnoOf(this.#library.dlm_ls_lockx(
      this.#handle, modeNumber(mode), this.#arena.address(slot), LKF_ORPHAN | LKF_PERSISTENT,
      address, bytes.write(resource), 0, COMPLETION_TOKEN, id, BLOCKING_TOKEN, null, null,
    ));
  }

  unlock(id: number): number {
    return this.#awaits(this.#unlock(id, 0));
  }

  /** No completion of its own: what is cancelled completes. */
  cancel(id: number): number {
    return this.#unlock(id, LKF_CANCEL);
  }

  drop(id: number): void {
    const slot = this.#slots.get(id);
    if (slot !== undefined) {
      this.#slots.delete(id);
      this.#arena.release(slot);
    }
  }

  #lock(id: number, mode: LockMode, flags: number, resource: string | null): number {
    const slot = this.#slot(id);
    if (slot === null) {
      return ENOMEM;
    }
    const { address, bytes } = this.#name;
    const length = resource === null ? 0 : bytes.write(resource);
    return this.#awaits(errnoOf(this.#library.dlm_ls_lock(
      this.#handle, modeNumber(mode), this.#arena.address(slot), flags,
      resource === null ? 0 : address, length, 0, COMPLETION_TOKEN, id, BLOCKING_TOKEN, 0,
    )));
  }

  #unlock(id: number, flags: number): number {
    const slot = this.#slot(id);
    return slot === null ? ENOMEM : errnoOf(this.#library.dlm_ls_unlock(
      this.#handle, this.#arena.lkid(slot), flags, this.#arena.address(slot), id,
    ));
  }

  #awaits(errno: number): number {
    if (errno === 0) {
      this.#awaited += 1;
    }
    return errno;
  }

  /** The slot of this lock's status block, taken on first use; null when there are too many. */
  #slot(id: number): number | null {
    const known = this.#slots.get(id);
    if (known !== undefined) {
      return known;
    }
    const slot = this.#arena.acquire();
    if (slot !== null) {
      this.#slots.set(id, slot);
    }
    return slot;
  }
}

let nameMemory: NativeMemory | null = null;

function errnoOf(result: number): number {
  return result === 0 ? 0 : koffi.errno();
}
