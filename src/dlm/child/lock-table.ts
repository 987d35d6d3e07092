import {
  ECANCEL, EDEADLK, ENOENT, LKF_FORCEUNLOCK, LKF_VALBLK, SBF_ALTMODE, SBF_DEMOTED,
} from '../constants.js';
import type { Failure, Reply, Request } from '../protocol.js';
import { valueEffect } from '../value-effect.js';
import { adoptionFailure, failureOf, refusal } from './failure.js';
import { LockExit } from './lock-exit.js';
import { convertFlags, firstConvertFlags, grantedModeOf, requestFlags } from './lock-flags.js';
import type { LockKernel, LockNotice } from './lock-kernel.js';
import {
  wantedEffect, type Asked, type IdleLock, type Lock, type LockState,
} from './lock-state.js';

type LockRequest = Extract<Request, {
  kind: 'take' | 'convert' | 'cancel' | 'deadlock-cancel' | 'unlock' | 'adopt';
}>;
type RequestOf<K extends LockRequest['kind']> = Extract<LockRequest, { kind: K }>;
type Completion = Extract<LockNotice, { kind: 'completion' }>;

export interface LockTableModules {
  readonly kernel: LockKernel;
  readonly reply: (reply: Reply) => void;
  /** Runs the callback once, that many ms later. */
  readonly later: (delayMs: number, run: () => void) => void;
}

/**
 * All locks of the child, each a small state machine between the parent and the kernel. A take is
 * NL first and then a conversion; it is answered only when it is held or when nothing of it is
 * left in the kernel.
 */
export class LockTable {
  readonly #locks = new Map<number, Lock>();
  readonly #kernel: LockKernel;
  readonly #reply: LockTableModules['reply'];
  readonly #exit: LockExit;
  #leaving = false;

  constructor({ kernel, reply, later }: LockTableModules) {
    this.#kernel = kernel;
    this.#reply = reply;
    this.#exit = new LockExit({ kernel, reply, later, drop: (lock) => this.#drop(lock) });
  }

  /** How many locks the kernel may have of us. */
  get size(): number {
    return this.#locks.size;
  }

  /** The lockspace is being left: nothing is asked of the kernel any more. */
  abandon(): void {
    this.#exit.abandon();
  }

  /**
   * From now on answers only count: nothing is asked of the kernel any more, and nothing replied.
   * True when it owes none.
   */
  leave(): boolean {
    this.#leaving = true;
    this.#exit.abandon();
    for (const { state } of this.#locks.values()) {
      if (state.kind !== 'held') return false;
    }
    return true;
  }

  request(request: LockRequest): void {
    switch (request.kind) {
      case 'take': return this.#take(request);
      case 'convert': return this.#convert(request);
      case 'cancel':
      case 'deadlock-cancel': return this.#cancel(request);
      case 'unlock': return this.#unlock(request);
      case 'adopt': return this.#adopt(request);
      default: return request satisfies never;
    }
  }

  /** Takes one notice of the kernel. Throws when it fits no lock: the child is out of step. */
  notice(notice: LockNotice): void {
    if (notice.kind === 'blocking') {
      if (this.#locks.has(notice.id)) {
        this.#reply(notice);
      }
      return;
    }
    const lock = this.#locks.get(notice.id);
    if (lock === undefined) {
      if (this.#leaving) return;
      throw new Error(`a completion with status ${notice.status} for no lock: ${notice.id}`);
    }
    this.#completed(lock, notice);
  }

  /** (none) -> naming, or requesting when it is not persistent */
  #take({ op, id, resource, mode, wait, persistent, flags }: RequestOf<'take'>): void {
    if (this.#locks.has(id)) {
      return this.#fail(op, refusal('BAD_REQUEST', 'take', `lock ${id} exists already`));
    }
    const asked: Asked = { op, mode, flags };
    const state: LockState = persistent
      ? { kind: 'naming', asked, wait }
      : { kind: 'requesting', asked };
    const usesValue = !persistent && (flags & LKF_VALBLK) !== 0;
    const lock: Lock = { id, resource, persistent, adopted: false, usesValue, state };
    this.#locks.set(id, lock);
    const errno = persistent
      ? this.#kernel.requestNull(id, resource)
      : this.#kernel.request(id, resource, mode, requestFlags(mode, wait, flags));
    if (errno !== 0) {
      this.#drop(lock);
      this.#fail(op, failureOf('take', resource, errno));
    } else if (!persistent && wait) {
      this.#reply({ kind: 'queued', op });
    }
  }

  /** held -> converting */
  #convert({ op, id, mode, wait, flags, value }: RequestOf<'convert'>): void {
    const idle = this.#idle(op, id, 'convert');
    if (idle === null) {
      return;
    }
    const { lock, mode: held } = idle;
    const effect = valueEffect(held, mode);
    const wanted = wantedEffect(flags, value);
    if (wanted !== 'none' && wanted !== effect) {
      const message = `convert of ${JSON.stringify(lock.resource)} from ${held} to ${mode} does `
        + `not ${wanted} the value block: the kernel would ${effect === 'none' ? 'ignore' : effect}`
        + ' it; see ConvertRequest.value';
      return this.#fail(op, refusal('BAD_REQUEST', 'convert', message));
    }
    lock.state = { kind: 'converting', asked: { op, mode, flags }, held, reads: wanted === 'read', cancelled: false };
    const whole = convertFlags(lock.persistent, wait, flags);
    const errno = this.#kernel.convert(id, mode, whole, value);
    if (errno !== 0) {
      lock.state = { kind: 'held', mode: held };
      return this.#fail(op, failureOf('convert', lock.resource, errno));
    }
    lock.usesValue = (flags & LKF_VALBLK) !== 0;
    if (wait) {
      this.#reply({ kind: 'queued', op });
    }
  }

  /** naming -> forsaken; what waits in the kernel is cancelled there, and the kernel decides. */
  #cancel({ op, id, kind }: RequestOf<'cancel' | 'deadlock-cancel'>): void {
    const lock = this.#locks.get(id);
    const status = kind === 'cancel' ? ECANCEL : EDEADLK;
    switch (lock?.state.kind) {
      case 'naming': {
        const failure = failureOf('take', lock.resource, status);
        lock.state = { kind: 'forsaken', asked: lock.state.asked, failure };
        break;
      }
      case 'requesting':
      case 'taking':
      case 'converting': {
        const errno = kind === 'cancel' ? this.#kernel.cancel(id) : this.#kernel.deadlockCancel(id);
        // A new request that has ended is gone from the kernel before its completion is read.
        const ended = errno === ENOENT && lock.state.kind === 'requesting';
        if (errno !== 0 && !ended) {
          return this.#fail(op, failureOf('cancel', lock.resource, errno));
        }
        if (lock.state.kind === 'converting') {
          lock.state = { ...lock.state, cancelled: true };
        }
        break;
      }
      default:
        // It was decided before the cancel came, and told by the other promise.
        break;
    }
    this.#reply({ kind: 'done', op });
  }

  /** With force also from what waits in the kernel. */
  #unlock(request: RequestOf<'unlock'>): void {
    const { op, id, flags } = request;
    const known = this.#locks.get(id);
    if ((flags & LKF_FORCEUNLOCK) !== 0 && known !== undefined
      && this.#exit.unlockWaiting(known, op)) {
      return;
    }
    const idle = this.#idle(op, id, 'unlock');
    if (idle !== null) {
      this.#exit.unlock(idle, request);
    }
  }

  /** (none) -> held, at once or not at all. */
  #adopt({ op, id, resource, mode }: RequestOf<'adopt'>): void {
    if (this.#locks.has(id)) {
      return this.#fail(op, refusal('BAD_REQUEST', 'adopt', `lock ${id} exists already`));
    }
    const errno = this.#kernel.adopt(id, resource, mode);
    if (errno === 0) {
      const state: LockState = { kind: 'held', mode };
      this.#locks.set(id, {
        id, resource, persistent: true, adopted: true, usesValue: false, state,
      });
      return this.#reply({ kind: 'done', op });
    }
    this.#kernel.drop(id);
    this.#fail(op, adoptionFailure(resource, mode, errno));
  }

  #completed(lock: Lock, completion: Completion): void {
    const { state } = lock;
    const { status } = completion;
    if (isLateCancel(lock, status)) {
      return;
    }
    if (this.#leaving) {
      this.#locks.delete(lock.id);
      return;
    }
    switch (state.kind) {
      case 'naming':
        return status === 0
          ? this.#convertFirst(lock, state)
          : this.#end(lock, state.asked.op, status);
      case 'forsaken':
        return status === 0
          ? this.#exit.withdraw(lock, state.asked.op, state.failure)
          : this.#end(lock, state.asked.op, status);
      case 'requesting':
        return status === 0
          ? this.#hold(lock, state.asked, completion, (state.asked.flags & LKF_VALBLK) !== 0)
          : this.#end(lock, state.asked.op, status);
      case 'taking':
        return status === 0
          ? this.#hold(lock, state.asked, completion, (state.asked.flags & LKF_VALBLK) !== 0)
          : this.#exit.withdraw(lock, state.asked.op, failureOf('take', lock.resource, status));
      case 'converting':
        return this.#converted(lock, state, completion);
      case 'lowering':
        return this.#exit.lowered(lock, state, status);
      case 'withdrawing':
      case 'unlocking':
        return this.#exit.unlocked(lock, state, status);
      case 'held':
        throw new Error(`a completion with status ${status} for the idle lock ${lock.id}`);
      default:
        return state satisfies never;
    }
  }

  /** naming -> taking */
  #convertFirst(lock: Lock, { asked, wait }: Extract<LockState, { kind: 'naming' }>): void {
    const { op, mode, flags } = asked;
    lock.state = { kind: 'taking', asked };
    lock.usesValue = (flags & LKF_VALBLK) !== 0;
    const errno = this.#kernel.convert(lock.id, mode, firstConvertFlags(mode, wait, flags), null);
    if (errno !== 0) {
      this.#exit.withdraw(lock, op, failureOf('take', lock.resource, errno));
    } else if (wait && mode !== 'NL') {
      this.#reply({ kind: 'queued', op });
    }
  }

  /** converting -> held, in the new mode or the old one */
  #converted(
    lock: Lock, state: Extract<LockState, { kind: 'converting' }>, completion: Completion,
  ): void {
    if (completion.status === 0) {
      return this.#hold(lock, state.asked, completion, state.reads);
    }
    const demoted = (completion.flags & SBF_DEMOTED) !== 0;
    lock.state = { kind: 'held', mode: demoted ? 'NL' : state.held };
    this.#fail(state.asked.op, failureOf('convert', lock.resource, completion.status));
  }

  /** requesting, taking, converting -> held */
  #hold(lock: Lock, { op, mode, flags }: Asked, completion: Completion, reads: boolean): void {
    const granted = grantedModeOf(mode, flags, completion.flags);
    lock.state = { kind: 'held', mode: granted };
    if (reads || (completion.flags & (SBF_DEMOTED | SBF_ALTMODE)) !== 0) {
      const value = reads ? completion.value : null;
      this.#reply({ kind: 'granted', op, mode: granted, statusFlags: completion.flags, value });
    } else {
      this.#reply({ kind: 'done', op });
    }
  }

  /** naming, forsaken, requesting -> (none): nothing of a new request is left in the kernel. */
  #end(lock: Lock, op: number, status: number): void {
    this.#drop(lock);
    this.#fail(op, failureOf('take', lock.resource, status));
  }

  /** The lock when it is held and idle; otherwise the request is refused. */
  #idle(op: number, id: number, operation: string): IdleLock | null {
    const lock = this.#locks.get(id);
    if (lock === undefined) {
      this.#fail(op, refusal('UNKNOWN_LOCK', operation, `no lock has the id ${id}`));
      return null;
    }
    if (lock.state.kind !== 'held') {
      const message = `${operation} of ${JSON.stringify(lock.resource)}: it is just `
        + `${lock.state.kind}; wait for that, or cancel it first`;
      this.#fail(op, refusal('BAD_REQUEST', operation, message));
      return null;
    }
    return { lock, mode: lock.state.mode };
  }

  #drop(lock: Lock): void {
    this.#locks.delete(lock.id);
    this.#kernel.drop(lock.id);
  }

  #fail(op: number, failure: Failure): void {
    this.#reply({ kind: 'failed', op, failure });
  }
}

/**
 * What its dead process was waiting for was cancelled by the kernel, and the answer comes to
 * whoever has adopted the lock since. It changes nothing; what we have asked for ourselves since
 * is answered after it.
 */
function isLateCancel({ adopted, state }: Lock, status: number): boolean {
  if (!adopted || (status !== ECANCEL && status !== EDEADLK)) {
    return false;
  }
  // A conversion of our own may be told EDEADLK, and ECANCEL when we have asked for that.
  return state.kind !== 'converting' || (status === ECANCEL && !state.cancelled);
}
