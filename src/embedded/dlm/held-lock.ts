import { DlmError, type LockId, type LockMode } from '../../dlm/index.js';
import type { Completion, EngineLock, LockEvent, LockFlags, LockOwner } from './lock.js';
import type { LockTable } from './lock-table.js';

const EBUSY = 16;

/** The way from a lock to the kernel: operations run there when the lockspace does. */
export interface Kernelward {
  readonly table: LockTable;
  readonly owner: LockOwner;
  submit(operation: string, resource: string, run: () => void): void;
  attach(lock: EngineLock, held: HeldLock): void;
  dispatch(events: readonly LockEvent[]): void;
  /** The lock is gone from the kernel; its id names nothing any more. */
  forget(held: HeldLock, lock: EngineLock | null): void;
}

interface Settling {
  readonly resolve: () => void;
  readonly reject: (cause: DlmError) => void;
}

type State =
  /** The NL request is under way; `canceled` asks to stop there. */
  | { readonly kind: 'requesting'; readonly mode: LockMode; readonly wait: boolean;
      readonly canceled: boolean; readonly done: Settling }
  /** NL is held, the convert to the wanted mode is under way. */
  | { readonly kind: 'taking'; readonly lock: EngineLock; readonly done: Settling }
  /** The take was refused; the NL lock is being unlocked before its caller is told. */
  | { readonly kind: 'undoing'; readonly lock: EngineLock; readonly done: Settling;
      readonly cause: DlmError }
  | { readonly kind: 'held'; readonly lock: EngineLock }
  | { readonly kind: 'converting'; readonly lock: EngineLock; readonly done: Settling }
  | { readonly kind: 'unlocking'; readonly lock: EngineLock; readonly done: Settling }
  | { readonly kind: 'gone' };

/** One lock of one opener, from `take` or `adopt` until it is unlocked. */
export class HeldLock {
  readonly id: LockId;
  readonly resource: string;
  readonly #kernel: Kernelward;
  #state: State = { kind: 'gone' };
  /** Set by the kernel before it completes the request. */
  #requested: EngineLock | null = null;

  constructor(id: LockId, resource: string, kernel: Kernelward) {
    this.id = id;
    this.resource = resource;
    this.#kernel = kernel;
  }

  /** gone -> requesting. */
  take(mode: LockMode, wait: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = { resolve, reject };
      this.#state = { kind: 'requesting', mode, wait, canceled: false, done };
      this.#kernel.submit('request', this.resource, () => {
        const { table, owner } = this.#kernel;
        // EXPEDITE: without it even NL would queue behind whoever is converting.
        const { lock, events } = table.request(owner, this.resource, 'NL', { expedite: true });
        this.#kernel.attach(lock, this);
        this.#requested = lock;
        this.#kernel.dispatch(events);
      });
    });
  }

  /** gone -> held. */
  adopted(lock: EngineLock): void {
    this.#state = { kind: 'held', lock };
  }

  /** held -> converting. */
  convert(mode: LockMode, wait: boolean): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'held') return Promise.reject(this.#busy('convert'));
    return new Promise((resolve, reject) => {
      this.#state = { kind: 'converting', lock: state.lock, done: { resolve, reject } };
      this.#submitConvert(state.lock, mode, { persistent: true, noQueue: !wait });
    });
  }

  /** Changes no state: what was decided comes as a completion. */
  cancel(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'requesting') this.#state = { ...state, canceled: true };
    if (state.kind !== 'taking' && state.kind !== 'converting') return Promise.resolve();
    this.#kernel.submit('cancel', this.resource, () => {
      const { table } = this.#kernel;
      if (table.has(state.lock)) this.#kernel.dispatch(table.cancel(state.lock));
    });
    return Promise.resolve();
  }

  /** held -> unlocking. */
  unlock(): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'held') return Promise.reject(this.#busy('unlock'));
    return new Promise((resolve, reject) => {
      this.#state = { kind: 'unlocking', lock: state.lock, done: { resolve, reject } };
      this.#submitUnlock(state.lock);
    });
  }

  /** The kernel has decided on what was under way. */
  complete(how: Completion): void {
    const state = this.#state;
    switch (state.kind) {
      case 'requesting':
        return this.#requestDone(state);
      case 'taking':
        if (how === 'granted') {
          this.#state = { kind: 'held', lock: state.lock };
          return state.done.resolve();
        }
        this.#state = { ...state, kind: 'undoing', cause: this.#refusal('take', how) };
        return this.#submitUnlock(state.lock);
      case 'converting':
        this.#state = { kind: 'held', lock: state.lock };
        if (how === 'granted') return state.done.resolve();
        return state.done.reject(this.#refusal('convert', how));
      case 'undoing':
        this.#end(state.lock);
        return state.done.reject(state.cause);
      case 'unlocking':
        this.#end(state.lock);
        return state.done.resolve();
      case 'held':
      case 'gone':
        return;
      default:
        state satisfies never;
    }
  }

  /** any -> gone: the opener has ended. */
  void(cause: DlmError): void {
    const state = this.#state;
    this.#state = { kind: 'gone' };
    if ('done' in state) state.done.reject(cause);
  }

  #requestDone(state: Extract<State, { kind: 'requesting' }>): void {
    const lock = this.#requested;
    if (lock === null) throw new Error('a request was completed before it was made');
    const { mode, wait, canceled, done } = state;
    if (canceled) {
      this.#state = { kind: 'undoing', lock, done, cause: this.#refusal('take', 'canceled') };
      return this.#submitUnlock(lock);
    }
    this.#state = { kind: 'taking', lock, done };
    // QUECVT, as the real side: who waits is served in order, readers behind a waiting writer.
    this.#submitConvert(lock, mode, { persistent: true, noQueue: !wait, queueConvert: wait });
  }

  #submitConvert(lock: EngineLock, mode: LockMode, flags: LockFlags): void {
    this.#kernel.submit('convert', this.resource, () => {
      const { table } = this.#kernel;
      this.#kernel.dispatch(table.convert(lock, mode, flags));
    });
  }

  #submitUnlock(lock: EngineLock): void {
    this.#kernel.submit('unlock', this.resource, () => {
      const { table } = this.#kernel;
      this.#kernel.dispatch(table.unlock(lock));
    });
  }

  #end(lock: EngineLock): void {
    this.#state = { kind: 'gone' };
    this.#kernel.forget(this, lock);
  }

  #busy(operation: string): DlmError {
    return new DlmError('KERNEL', operation, `${operation}: another operation is under way on this lock of '${this.resource}'; wait for it or cancel it`, { status: EBUSY, retryable: true });
  }

  #refusal(operation: string, how: Completion): DlmError {
    const { resource } = this;
    if (how === 'would-block') {
      return new DlmError('WOULD_BLOCK', operation, `${operation}: '${resource}' is held in a mode that excludes this one`, { retryable: true });
    }
    if (how === 'deadlock') {
      return new DlmError('DEADLOCK', operation, `${operation}: waiting on '${resource}' would deadlock with another convert; give up the mode that is held, then try again`);
    }
    return new DlmError('CANCELED', operation, `${operation}: the wait for '${resource}' was cancelled`);
  }
}
