import {
  DlmError, type ConvertRequest, type Grant, type LockId, type LockMode, type TakeRequest,
  type UnlockRequest,
} from '../../dlm/index.js';
import { mayWriteAtUnlock, valueEffect } from '../../dlm/value-effect.js';
import {
  grantedMode, type Completion, type EngineLock, type LockEvent, type LockFlags, type LockOwner,
} from './lock.js';
import type { LockTable } from './lock-table.js';
import { engineFlags } from './request-flags.js';

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

interface Settling<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (cause: DlmError) => void;
}

type Completed = Extract<LockEvent, { kind: 'completed' }>;

type State =
  /** The NL request is under way; `refused` asks to stop there. */
  | { readonly kind: 'requesting'; readonly request: TakeRequest;
      readonly refused: 'canceled' | 'deadlock' | null; readonly done: Settling<Grant> }
  /** NL is held, the convert to the wanted mode is under way; or the only request is. */
  | { readonly kind: 'taking'; readonly lock: EngineLock | null; readonly done: Settling<Grant> }
  /** The take was refused; the NL lock is being unlocked before its caller is told. */
  | { readonly kind: 'undoing'; readonly lock: EngineLock; readonly done: Settling<Grant>;
      readonly cause: DlmError }
  | { readonly kind: 'held'; readonly lock: EngineLock }
  | { readonly kind: 'converting'; readonly lock: EngineLock; readonly done: Settling<Grant> }
  /** The value block is written by a convert to NL; the unlock follows. */
  | { readonly kind: 'writing'; readonly lock: EngineLock; readonly done: Settling<void> }
  | { readonly kind: 'unlocking'; readonly lock: EngineLock; readonly done: Settling<void>;
      /** What waited until a forced unlock ended it. */
      readonly displaced: { readonly operation: string; readonly done: Settling<Grant> } | null }
  | { readonly kind: 'gone' };

/** One lock of one opener, from `take` or `adopt` until it is unlocked. */
export class HeldLock {
  readonly id: LockId;
  readonly resource: string;
  readonly #kernel: Kernelward;
  #persistent = true;
  #state: State = { kind: 'gone' };
  /** Set by the kernel before it completes the request. */
  #requested: EngineLock | null = null;

  constructor(id: LockId, resource: string, kernel: Kernelward) {
    this.id = id;
    this.resource = resource;
    this.#kernel = kernel;
  }

  /** gone -> requesting, or taking when it is not persistent. */
  take(request: TakeRequest): Promise<Grant> {
    this.#persistent = request.persistent ?? true;
    return new Promise((resolve, reject) => {
      const done = { resolve, reject };
      if (!this.#persistent) {
        this.#state = { kind: 'taking', lock: null, done };
        const { mode, wait } = request;
        // As the real side, NL is expedited: else it would queue behind whoever converts.
        const how = mode === 'NL' ? { expedite: true } : { noQueue: !wait };
        return this.#submitRequest('take', mode, { ...engineFlags(request), ...how });
      }
      this.#state = { kind: 'requesting', request, refused: null, done };
      // EXPEDITE: without it even NL would queue behind whoever is converting.
      this.#submitRequest('take', 'NL', { expedite: true });
    });
  }

  /** gone -> held. */
  adopted(lock: EngineLock): void {
    this.#state = { kind: 'held', lock };
  }

  /** held -> converting. */
  convert(request: ConvertRequest): Promise<Grant> {
    const state = this.#state;
    if (state.kind !== 'held') return Promise.reject(this.#busy('convert'));
    const { mode, wait, value } = request;
    const held = grantedMode(state.lock) ?? 'NL';
    const effect = valueEffect(held, mode);
    const wanted = value === 'read' ? 'read' : 'write';
    if (value !== undefined && wanted !== effect) {
      return Promise.reject(bad('convert', `convert of '${this.resource}' from ${held} to ${mode} cannot do that to the value block; see ConvertRequest.value`));
    }
    return new Promise((resolve, reject) => {
      this.#state = { kind: 'converting', lock: state.lock, done: { resolve, reject } };
      this.#submitConvert('convert', state.lock, mode, { ...engineFlags(request), noQueue: !wait });
    });
  }

  /** Changes no state: what was decided comes as a completion. */
  cancel(how: 'canceled' | 'deadlock'): Promise<void> {
    const state = this.#state;
    if (state.kind === 'requesting') this.#state = { ...state, refused: how };
    if (state.kind !== 'taking' && state.kind !== 'converting') return Promise.resolve();
    this.#kernel.submit(how === 'canceled' ? 'cancel' : 'deadlock-cancel', this.resource, () => {
      const { table } = this.#kernel;
      const lock = state.lock ?? this.#requested;
      if (lock !== null && table.has(lock)) this.#kernel.dispatch(table.cancel(lock, how));
    });
    return Promise.resolve();
  }

  /** held -> unlocking, or writing first. */
  unlock(request: UnlockRequest): Promise<void> {
    const state = this.#state;
    if (request.force === true && (state.kind === 'taking' || state.kind === 'converting')) {
      return this.#unlockWaiting(state);
    }
    if (state.kind !== 'held') return Promise.reject(this.#busy('unlock'));
    const { lock } = state;
    const { value } = request;
    if (value !== undefined && !mayWriteAtUnlock(grantedMode(lock) ?? 'NL')) {
      return Promise.reject(bad('unlock', `unlock of '${this.resource}' cannot write its value block: only PW and EX can`));
    }
    return new Promise((resolve, reject) => {
      const done = { resolve, reject };
      if (value instanceof Uint8Array) {
        this.#state = { kind: 'writing', lock, done };
        return this.#submitConvert('unlock', lock, 'NL', { value });
      }
      this.#state = { kind: 'unlocking', lock, done, displaced: null };
      this.#submitUnlock(lock, value ?? null);
    });
  }

  /** The kernel has decided on what was under way. */
  complete(event: Completed): void {
    const state = this.#state;
    switch (state.kind) {
      case 'requesting':
        return this.#requestDone(state);
      case 'taking':
        return this.#takeDone(state, event);
      case 'converting':
        this.#state = { kind: 'held', lock: state.lock };
        return this.#settle(state.done, 'convert', event);
      case 'writing':
        this.#state = { ...state, kind: 'unlocking', displaced: null };
        return this.#submitUnlock(state.lock, null);
      case 'undoing':
        this.#end(state.lock);
        return state.done.reject(state.cause);
      case 'unlocking':
        return this.#unlockDone(state, event);
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
    if (state.kind === 'unlocking') state.displaced?.done.reject(cause);
  }

  #requestDone(state: Extract<State, { kind: 'requesting' }>): void {
    const lock = this.#requested;
    if (lock === null) throw new Error('a request was completed before it was made');
    const { request, refused, done } = state;
    if (refused !== null) {
      this.#state = { kind: 'undoing', lock, done, cause: this.#refusal('take', refused) };
      return this.#submitUnlock(lock, null);
    }
    this.#state = { kind: 'taking', lock, done };
    const { mode, wait } = request;
    const flags = engineFlags(request);
    // QUECVT, as the real side: who waits is served in order, readers behind a waiting writer.
    const passing = flags.headOfQueue === true || flags.noOrder === true;
    this.#submitConvert('take', lock, mode, {
      ...flags, noQueue: !wait, queueConvert: wait && !passing,
    });
  }

  #takeDone(state: Extract<State, { kind: 'taking' }>, event: Completed): void {
    const lock = state.lock ?? event.lock;
    if (event.how === 'granted') {
      this.#state = { kind: 'held', lock };
      return state.done.resolve(event.grant);
    }
    const cause = this.#refusal('take', event.how);
    if (state.lock === null) {
      // A refused request is gone from the kernel.
      this.#end(lock);
      return state.done.reject(cause);
    }
    this.#state = { kind: 'undoing', lock, done: state.done, cause };
    this.#submitUnlock(lock, null);
  }

  #unlockDone(state: Extract<State, { kind: 'unlocking' }>, event: Completed): void {
    if (event.how !== 'unlocked' && state.displaced !== null) {
      this.#state = { ...state, displaced: null };
      return this.#settle(state.displaced.done, state.displaced.operation, event);
    }
    this.#end(state.lock);
    state.displaced?.done.reject(this.#refusal(state.displaced.operation, 'canceled'));
    state.done.resolve();
  }

  /** taking, converting -> unlocking */
  #unlockWaiting(state: Extract<State, { kind: 'taking' | 'converting' }>): Promise<void> {
    const lock = state.lock ?? this.#requested;
    if (lock === null) return Promise.reject(this.#busy('unlock'));
    const operation = state.kind === 'taking' ? 'take' : 'convert';
    return new Promise((resolve, reject) => {
      const displaced = { operation, done: state.done };
      this.#state = { kind: 'unlocking', lock, done: { resolve, reject }, displaced };
      this.#submitUnlock(lock, null);
    });
  }

  #settle(done: Settling<Grant>, operation: string, event: Completed): void {
    if (event.how === 'granted') return done.resolve(event.grant);
    done.reject(this.#refusal(operation, event.how));
  }

  #submitRequest(operation: string, mode: LockMode, flags: LockFlags): void {
    this.#kernel.submit(operation, this.resource, () => {
      const { table, owner } = this.#kernel;
      const { lock, events } = table.request(owner, this.resource, mode, flags);
      this.#kernel.attach(lock, this);
      this.#requested = lock;
      this.#kernel.dispatch(events);
    });
  }

  #submitConvert(operation: string, lock: EngineLock, mode: LockMode, flags: LockFlags): void {
    this.#kernel.submit(operation, this.resource, () => {
      const { table } = this.#kernel;
      const events = table.convert(lock, mode, { ...flags, persistent: this.#persistent });
      this.#kernel.dispatch(events);
    });
  }

  #submitUnlock(lock: EngineLock, value: 'invalidate' | null): void {
    this.#kernel.submit('unlock', this.resource, () => {
      const { table } = this.#kernel;
      if (table.has(lock)) this.#kernel.dispatch(table.unlock(lock, value));
    });
  }

  #end(lock: EngineLock): void {
    this.#state = { kind: 'gone' };
    this.#kernel.forget(this, lock);
  }

  #busy(operation: string): DlmError {
    return bad(operation, `${operation}: another operation is under way on this lock of '${this.resource}'; wait for it or cancel it`);
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

function bad(operation: string, message: string): DlmError {
  return new DlmError('BAD_REQUEST', operation, message);
}
