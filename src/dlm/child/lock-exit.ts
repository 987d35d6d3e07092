import {
  EBUSY, ECANCEL, ENOENT, EUNLOCK, LKF_FORCEUNLOCK, LKF_IVVALBLK, LKF_VALBLK,
} from '../constants.js';
import type { LockMode } from '../port.js';
import type { Failure, Reply, Request } from '../protocol.js';
import { mayWriteAtUnlock } from '../value-effect.js';
import { failureOf, refusal } from './failure.js';
import { convertFlags } from './lock-flags.js';
import type { LockKernel } from './lock-kernel.js';
import {
  wantedEffect, type IdleLock, type Lock, type LockState, type Lowering, type Unlocking,
} from './lock-state.js';

/** How often, and how far apart, an unlock is tried while a lost cancel is still under way. */
export const BUSY_RETRIES_MAX = 250;
export const BUSY_RETRY_MS = 20;

/**
 * How far apart after that, for a take that failed: nobody else knows its lock, so it is tried for
 * as long as the child lives, and the take stays unanswered.
 */
export const WITHDRAWAL_RETRY_MS = 1_000;

type UnlockRequest = Extract<Request, { kind: 'unlock' }>;

export interface LockExitModules {
  readonly kernel: LockKernel;
  readonly reply: (reply: Reply) => void;
  /** Runs the callback once, that many ms later. */
  readonly later: (delayMs: number, run: () => void) => void;
  /** The lock is gone from the kernel: forgets it. */
  readonly drop: (lock: Lock) => void;
}

/**
 * The way of a lock out of the kernel: by an unlock, by a forced one while it waits, by way of NL
 * where its value block needs that, or because the take that it was made for has failed.
 */
export class LockExit {
  readonly #kernel: LockKernel;
  readonly #reply: LockExitModules['reply'];
  readonly #later: LockExitModules['later'];
  readonly #drop: LockExitModules['drop'];
  #abandoned = false;

  constructor({ kernel, reply, later, drop }: LockExitModules) {
    this.#kernel = kernel;
    this.#reply = reply;
    this.#later = later;
    this.#drop = drop;
  }

  /** The lockspace is being left: nothing is asked of the kernel any more. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** held -> unlocking, or lowering first */
  unlock({ lock, mode }: IdleLock, { op, flags, value }: UnlockRequest): void {
    if (wantedEffect(flags, value) !== 'none' && !mayWriteAtUnlock(mode)) {
      const message = `unlock of ${JSON.stringify(lock.resource)} in ${mode} cannot write its `
        + 'value block: only PW and EX can';
      return this.#fail(op, refusal('BAD_REQUEST', 'unlock', message));
    }
    const writesByItself = lock.usesValue && mayWriteAtUnlock(mode)
      && (flags & LKF_IVVALBLK) === 0;
    if (value !== null || writesByItself) {
      return this.#lower(lock, { kind: 'lowering', op, mode, value }, BUSY_RETRIES_MAX);
    }
    lock.state = { kind: 'unlocking', op, mode, lowered: false, displaced: null };
    this.#callUnlock(lock, flags & LKF_IVVALBLK, BUSY_RETRIES_MAX);
  }

  /** requesting, taking, converting -> unlocking; false when nothing waits. */
  unlockWaiting(lock: Lock, op: number): boolean {
    const { state } = lock;
    if (state.kind !== 'requesting' && state.kind !== 'taking' && state.kind !== 'converting') {
      return false;
    }
    const operation = state.kind === 'converting' ? 'convert' : 'take';
    const mode = state.kind === 'converting' ? state.held : 'NL';
    if (lock.usesValue && mayWriteAtUnlock(mode)) {
      const message = `unlock of ${JSON.stringify(lock.resource)}: while it converts from ${mode} `
        + 'with its value block a forced unlock would spoil that; cancel the convert first';
      this.#fail(op, refusal('BAD_REQUEST', 'unlock', message));
      return true;
    }
    const displaced = { op: state.asked.op, operation };
    lock.state = { kind: 'unlocking', op, mode, lowered: false, displaced };
    // What waits may have been granted just now: then libdlm would write bytes of its stack.
    const flags = LKF_FORCEUNLOCK | (lock.usesValue ? LKF_IVVALBLK : 0);
    this.#callUnlock(lock, flags, BUSY_RETRIES_MAX, state);
    return true;
  }

  /** forsaken -> withdrawing, taking -> withdrawing */
  withdraw(lock: Lock, op: number, failure: Failure): void {
    lock.state = { kind: 'withdrawing', op, failure };
    this.#callUnlock(lock, 0, BUSY_RETRIES_MAX);
  }

  /** lowering -> unlocking; lowering -> held when the kernel will not. */
  lowered(lock: Lock, { op, mode }: Lowering, status: number): void {
    if (status !== 0) {
      lock.state = { kind: 'held', mode };
      return this.#fail(op, failureOf('unlock', lock.resource, status));
    }
    lock.state = { kind: 'unlocking', op, mode: 'NL', lowered: true, displaced: null };
    this.#callUnlock(lock, 0, BUSY_RETRIES_MAX);
  }

  /** withdrawing, unlocking -> (none); unlocking -> held when the kernel will not. */
  unlocked(lock: Lock, state: LockState, status: number): void {
    switch (state.kind) {
      case 'withdrawing':
        if (status !== EUNLOCK && status !== ENOENT) {
          return this.#withdrawLater(lock, status);
        }
        this.#drop(lock);
        return this.#fail(state.op, state.failure);
      case 'unlocking':
        return status === EUNLOCK
          ? this.#gone(lock, state)
          : this.#stays(lock, state, status);
      default:
        throw new Error(`lock ${lock.id} was unlocked while ${state.kind}`);
    }
  }

  /** held -> lowering: down to NL, which writes the value, or none, as an unlock would not. */
  #lower(lock: Lock, state: Lowering, retries: number): void {
    const { op, mode, value } = state;
    lock.state = state;
    const flags = convertFlags(lock.persistent, true, value === null ? 0 : LKF_VALBLK);
    const errno = this.#kernel.convert(lock.id, 'NL', flags, value);
    if (errno === EBUSY && retries > 0) {
      this.#later(BUSY_RETRY_MS, () => {
        if (!this.#abandoned && lock.state === state) {
          this.#lower(lock, state, retries - 1);
        }
      });
    } else if (errno !== 0) {
      lock.state = { kind: 'held', mode };
      this.#fail(op, failureOf('unlock', lock.resource, errno));
    }
  }

  /**
   * Unlocks, again and again while the kernel says EBUSY: a cancel that lost against the grant is
   * still on its way to the master and back.
   */
  #callUnlock(lock: Lock, flags: number, retries: number, before: LockState | null = null): void {
    const { state } = lock;
    if (this.#abandoned || (state.kind !== 'withdrawing' && state.kind !== 'unlocking')) {
      return;
    }
    const errno = this.#kernel.unlock(lock.id, flags);
    if (errno === EBUSY && retries > 0) {
      this.#later(BUSY_RETRY_MS, () => {
        // Unless the unlock has ended meanwhile, and another may have begun.
        if ('op' in lock.state && lock.state.op === state.op) {
          this.#callUnlock(lock, flags, retries - 1, before);
        }
      });
    } else if (errno !== 0 && before !== null && (state as Unlocking).displaced !== null) {
      this.#refused(lock, state.op, before, errno);
    } else if (errno !== 0) {
      this.unlocked(lock, state, errno);
    }
  }

  /** withdrawing -> withdrawing: a lock that nobody else knows of is not given up. */
  #withdrawLater(lock: Lock, status: number): void {
    const { state } = lock;
    const name = JSON.stringify(lock.resource);
    const message = `the NL lock of a take of ${name} that failed cannot be unlocked (status `
      + `${status}); it excludes nobody, and is tried again every ${WITHDRAWAL_RETRY_MS} ms`;
    this.#reply({ kind: 'log', message });
    const again = (): void => {
      if (this.#abandoned || lock.state !== state) {
        return;
      }
      const errno = this.#kernel.unlock(lock.id, 0);
      if (errno === ENOENT) {
        this.unlocked(lock, state, errno);
      } else if (errno !== 0) {
        this.#later(WITHDRAWAL_RETRY_MS, again);
      }
    };
    this.#later(WITHDRAWAL_RETRY_MS, again);
  }

  /** unlocking -> what it was; the call itself has failed, so what waits there still waits. */
  #refused(lock: Lock, op: number, before: LockState, errno: number): void {
    // A new request that has ended is gone from the kernel: its completion, which is on its way,
    // answers both.
    if (errno === ENOENT && before.kind === 'requesting') {
      return;
    }
    lock.state = before;
    this.#fail(op, failureOf('unlock', lock.resource, errno));
  }

  /** unlocking -> (none) */
  #gone(lock: Lock, { op, displaced }: Unlocking): void {
    this.#drop(lock);
    if (displaced !== null) {
      this.#fail(displaced.op, failureOf(displaced.operation, lock.resource, ECANCEL));
    }
    this.#reply({ kind: 'done', op });
  }

  /** unlocking -> held; or what a forced unlock was to end has ended, and the unlock follows. */
  #stays(lock: Lock, state: Unlocking, status: number): void {
    if (state.displaced !== null) {
      return this.#displaced(lock, state, status);
    }
    // Keeping it as held lets the parent see it and try once more.
    lock.state = { kind: 'held', mode: state.mode };
    this.#fail(state.op, unlockFailure(lock.resource, state, status));
  }

  /** What a forced unlock was to end has ended by itself, just before; the unlock follows. */
  #displaced(lock: Lock, state: Unlocking, status: number): void {
    const { displaced } = state;
    lock.state = { ...state, displaced: null };
    if (status !== 0 && !lock.persistent && displaced?.operation === 'take') {
      // A new request that was refused is gone from the kernel, and the unlock finds nothing.
      this.#drop(lock);
      this.#fail(displaced.op, failureOf('take', lock.resource, status));
      return this.#reply({ kind: 'done', op: state.op });
    }
    if (displaced !== null && status === 0) {
      this.#reply({ kind: 'done', op: displaced.op });
    } else if (displaced !== null) {
      this.#fail(displaced.op, failureOf(displaced.operation, lock.resource, status));
    }
  }

  #fail(op: number, failure: Failure): void {
    this.#reply({ kind: 'failed', op, failure });
  }
}

/** Says so when the lock no longer excludes anybody, although it could not be unlocked. */
function unlockFailure(resource: string, { mode, lowered }: Unlocking, status: number): Failure {
  const failure = failureOf('unlock', resource, status);
  return lowered
    ? { ...failure, message: `${failure.message}; it ${inModeNow(mode)}; unlock it once more` }
    : failure;
}

function inModeNow(mode: LockMode): string {
  return `was lowered to ${mode} on the way, with its value block, and excludes nobody any more`;
}
