import { ECANCEL, EAGAIN, EBUSY, ENOENT, EUNLOCK } from '../constants.js';
import type { LockMode } from '../port.js';
import type { Failure, Reply, Request } from '../protocol.js';
import { failureOf, refusal } from './failure.js';
import type { LockKernel, LockNotice } from './lock-kernel.js';

/** How often, and how far apart, an unlock is tried while a lost cancel is still under way. */
export const BUSY_RETRIES_MAX = 250;
export const BUSY_RETRY_MS = 20;

/** Where one lock stands between the requests of the parent and the answers of the kernel. */
type LockState =
  /** The NL request is out. */
  | { readonly kind: 'naming'; readonly op: number; readonly mode: LockMode; readonly wait: boolean }
  /** The NL request is out, and the take was cancelled meanwhile. */
  | { readonly kind: 'forsaken'; readonly op: number }
  /** The first conversion, from NL, is out. */
  | { readonly kind: 'taking'; readonly op: number }
  /** A conversion of a held lock is out. */
  | { readonly kind: 'converting'; readonly op: number }
  | { readonly kind: 'held' }
  /** The NL lock of a take that failed is being unlocked; then the take is told. */
  | { readonly kind: 'withdrawing'; readonly op: number; readonly failure: Failure }
  | { readonly kind: 'unlocking'; readonly op: number };

interface Lock {
  readonly id: number;
  readonly resource: string;
  state: LockState;
}

type LockRequest = Extract<Request, {
  kind: 'take' | 'convert' | 'cancel' | 'deadlock-cancel' | 'unlock' | 'adopt';
}>;
type RequestOf<K extends LockRequest['kind']> = Extract<LockRequest, { kind: K }>;

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
  readonly #later: LockTableModules['later'];

  constructor({ kernel, reply, later }: LockTableModules) {
    this.#kernel = kernel;
    this.#reply = reply;
    this.#later = later;
  }

  /** How many locks the kernel may have of us. */
  get size(): number {
    return this.#locks.size;
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
        this.#reply({ kind: 'blocking', id: notice.id });
      }
      return;
    }
    const lock = this.#locks.get(notice.id);
    if (lock === undefined) {
      throw new Error(`a completion with status ${notice.status} for no lock: ${notice.id}`);
    }
    this.#completed(lock, notice.status);
  }

  /** (none) -> naming */
  #take({ op, id, resource, mode, wait }: RequestOf<'take'>): void {
    if (this.#locks.has(id)) {
      return this.#fail(op, refusal('BAD_REQUEST', 'take', `lock ${id} exists already`));
    }
    const lock: Lock = { id, resource, state: { kind: 'naming', op, mode, wait } };
    this.#locks.set(id, lock);
    const errno = this.#kernel.requestNull(id, resource);
    if (errno !== 0) {
      this.#drop(lock);
      this.#fail(op, failureOf('take', resource, errno));
    }
  }

  /** held -> converting */
  #convert({ op, id, mode, wait }: RequestOf<'convert'>): void {
    const lock = this.#idle(op, id, 'convert');
    if (lock === null) {
      return;
    }
    lock.state = { kind: 'converting', op };
    const errno = this.#kernel.convert(id, mode, wait);
    if (errno !== 0) {
      lock.state = { kind: 'held' };
      this.#fail(op, failureOf('convert', lock.resource, errno));
    } else if (wait) {
      this.#reply({ kind: 'queued', op });
    }
  }

  /** naming -> forsaken; in taking and converting the kernel is asked and decides. */
  #cancel({ op, id }: RequestOf<'cancel' | 'deadlock-cancel'>): void {
    const lock = this.#locks.get(id);
    if (lock?.state.kind === 'naming') {
      lock.state = { kind: 'forsaken', op: lock.state.op };
    } else if (lock?.state.kind === 'taking' || lock?.state.kind === 'converting') {
      const errno = this.#kernel.cancel(id);
      if (errno !== 0) {
        return this.#fail(op, failureOf('cancel', lock.resource, errno));
      }
    }
    // In any other state it was decided before the cancel came, and told by the other promise.
    this.#reply({ kind: 'done', op });
  }

  /** held -> unlocking */
  #unlock({ op, id }: RequestOf<'unlock'>): void {
    const lock = this.#idle(op, id, 'unlock');
    if (lock !== null) {
      lock.state = { kind: 'unlocking', op };
      this.#callUnlock(lock, BUSY_RETRIES_MAX);
    }
  }

  /** (none) -> held, at once or not at all. */
  #adopt({ op, id, resource, mode }: RequestOf<'adopt'>): void {
    if (this.#locks.has(id)) {
      return this.#fail(op, refusal('BAD_REQUEST', 'adopt', `lock ${id} exists already`));
    }
    const errno = this.#kernel.adopt(id, resource, mode);
    if (errno === 0) {
      this.#locks.set(id, { id, resource, state: { kind: 'held' } });
      return this.#reply({ kind: 'done', op });
    }
    this.#kernel.drop(id);
    this.#fail(op, adoptionFailure(resource, mode, errno));
  }

  #completed(lock: Lock, status: number): void {
    const { state } = lock;
    switch (state.kind) {
      case 'naming':
        return status === 0 ? this.#convertFirst(lock, state) : this.#end(lock, state.op, status);
      case 'forsaken':
        return status === 0
          ? this.#withdraw(lock, state.op, failureOf('take', lock.resource, ECANCEL))
          : this.#end(lock, state.op, status);
      case 'taking':
        return status === 0
          ? this.#hold(lock, state.op)
          : this.#withdraw(lock, state.op, failureOf('take', lock.resource, status));
      case 'converting':
        if (status === 0) {
          return this.#hold(lock, state.op);
        }
        lock.state = { kind: 'held' };
        return this.#fail(state.op, failureOf('convert', lock.resource, status));
      case 'withdrawing':
      case 'unlocking':
        return this.#unlocked(lock, state, status);
      case 'held':
        throw new Error(`a completion with status ${status} for the idle lock ${lock.id}`);
      default:
        return state satisfies never;
    }
  }

  /** naming -> taking */
  #convertFirst(lock: Lock, { op, mode, wait }: Extract<LockState, { kind: 'naming' }>): void {
    if (mode === 'NL') {
      // PERSISTENT comes with a conversion only, so NL is converted to itself.
      wait = false;
    }
    lock.state = { kind: 'taking', op };
    const errno = this.#kernel.convertFromNull(lock.id, mode, wait);
    if (errno !== 0) {
      this.#withdraw(lock, op, failureOf('take', lock.resource, errno));
    } else if (wait) {
      this.#reply({ kind: 'queued', op });
    }
  }

  /** taking -> held, converting -> held */
  #hold(lock: Lock, op: number): void {
    lock.state = { kind: 'held' };
    this.#reply({ kind: 'done', op });
  }

  /** naming, forsaken -> (none): the kernel has refused the NL request itself. */
  #end(lock: Lock, op: number, status: number): void {
    this.#drop(lock);
    this.#fail(op, failureOf('take', lock.resource, status));
  }

  /** forsaken -> withdrawing, taking -> withdrawing */
  #withdraw(lock: Lock, op: number, failure: Failure): void {
    lock.state = { kind: 'withdrawing', op, failure };
    this.#callUnlock(lock, BUSY_RETRIES_MAX);
  }

  /**
   * Unlocks, again and again while the kernel says EBUSY: a cancel that lost against the grant is
   * still on its way to the master and back.
   */
  #callUnlock(lock: Lock, retries: number): void {
    const errno = this.#kernel.unlock(lock.id);
    if (errno === EBUSY && retries > 0) {
      this.#later(BUSY_RETRY_MS, () => this.#callUnlock(lock, retries - 1));
    } else if (errno !== 0) {
      this.#unlocked(lock, lock.state, errno);
    }
  }

  /** withdrawing, unlocking -> (none); unlocking -> held when the kernel will not. */
  #unlocked(lock: Lock, state: LockState, status: number): void {
    if (state.kind !== 'withdrawing' && state.kind !== 'unlocking') {
      throw new Error(`lock ${lock.id} was unlocked while ${state.kind}`);
    }
    if (status === EUNLOCK) {
      this.#drop(lock);
      if (state.kind === 'withdrawing') {
        this.#fail(state.op, state.failure);
      } else {
        this.#reply({ kind: 'done', op: state.op });
      }
      return;
    }
    // The lock is still there. Keeping it as held lets the parent see it and try once more.
    lock.state = { kind: 'held' };
    this.#fail(state.op, failureOf('unlock', lock.resource, status));
  }

  /** The lock when it is held and idle; otherwise the request is refused. */
  #idle(op: number, id: number, operation: string): Lock | null {
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
    return lock;
  }

  #drop(lock: Lock): void {
    this.#locks.delete(lock.id);
    this.#kernel.drop(lock.id);
  }

  #fail(op: number, failure: Failure): void {
    this.#reply({ kind: 'failed', op, failure });
  }
}

function adoptionFailure(resource: string, mode: LockMode, errno: number): Failure {
  const name = JSON.stringify(resource);
  if (errno === ENOENT) {
    const message = `this node has no orphan named ${name}; nothing was adopted`;
    return { ...refusal('NO_ORPHAN', 'adopt', message), status: errno };
  }
  if (errno === EAGAIN) {
    const message = `the orphan named ${name} is not in ${mode}; read its mode and adopt in that`;
    return { ...refusal('OTHER_MODE', 'adopt', message), status: errno };
  }
  return failureOf('adopt', resource, errno);
}
