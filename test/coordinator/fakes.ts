import { EventEmitter } from 'eventemitter3';

import type { Clock, Timer } from '../../src/clock.js';
import type { Group, GroupEvents, Member } from '../../src/cpg/port.js';
import { DlmError } from '../../src/dlm/error.js';
import type {
  ConvertRequest, Grant, LocalLock, LockId, Lockspace, LockspaceEvents, Take, TakeRequest,
  UnlockRequest,
} from '../../src/dlm/port.js';
import type { Quorum, QuorumEvents } from '../../src/quorum/port.js';

/** Time that passes only when told to. */
export class FakeClock implements Clock {
  nowMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>();

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  get armed(): number {
    return this.#timers.size;
  }

  /** Runs what is due by then, and lets what follows from it happen. */
  async pass(delayMs: number): Promise<void> {
    this.nowMs += delayMs;
    for (const timer of [...this.#timers]) {
      if (timer.atMs > this.nowMs) continue;
      this.#timers.delete(timer);
      timer.run();
    }
    await turns();
  }
}

/** Lets promises settle. */
export async function turns(): Promise<void> {
  for (let at = 0; at < 20; at += 1) await Promise.resolve();
}

export class FakeGroup extends EventEmitter<GroupEvents> implements Group {
  readonly self: Member = { nodeId: 1, pid: 100 };
  readonly payloadBytesMax = 1_000_000;
  readonly sent: Uint8Array[] = [];
  readonly calls: string[] = [];
  joinFailure: Error | null = null;

  join(name: string): Promise<void> {
    this.calls.push(`join ${name}`);
    return this.joinFailure === null ? Promise.resolve() : Promise.reject(this.joinFailure);
  }

  multicast(payload: Uint8Array): Promise<void> {
    this.sent.push(payload);
    return Promise.resolve();
  }

  leave(): Promise<void> {
    this.calls.push('leave');
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.calls.push('close');
    return Promise.resolve();
  }
}

export class FakeQuorum extends EventEmitter<QuorumEvents> implements Quorum {
  closed = 0;
  startFailure: Error | null = null;

  start(): Promise<void> {
    return this.startFailure === null ? Promise.resolve() : Promise.reject(this.startFailure);
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  isQuorate(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    this.closed += 1;
    return Promise.resolve();
  }
}

/** A lockspace that grants at once, and notes what it was asked for. */
export class FakeLockspace extends EventEmitter<LockspaceEvents> implements Lockspace {
  readonly name = 'holdfast';
  readonly calls: string[] = [];
  local: readonly LocalLock[] = [];
  takeFailure: DlmError | null = null;
  onLocalLocks: () => void = () => undefined;
  #next = 500;

  #id(): LockId {
    this.#next += 1;
    return this.#next as LockId;
  }

  take(request: TakeRequest): Take {
    this.calls.push(`take ${request.resource} ${request.mode}`);
    const failure = this.takeFailure;
    const grant = { mode: request.mode, value: null, demoted: false };
    const granted = failure === null ? Promise.resolve(grant) : Promise.reject(failure);
    return { id: this.#id(), granted };
  }

  convert(id: LockId, { mode, wait, flags = [] }: ConvertRequest): Promise<Grant> {
    this.calls.push(`convert ${id} ${mode}${wait ? ' wait' : ''}${flags.join()}`);
    const failure = this.takeFailure;
    const grant = { mode, value: null, demoted: false };
    return failure === null ? Promise.resolve(grant) : Promise.reject(failure);
  }

  deadlockCancel(): Promise<void> {
    return Promise.reject(notUsed('deadlockCancel'));
  }

  purge(): Promise<void> {
    return Promise.reject(notUsed('purge'));
  }

  resources(): Promise<never> {
    return Promise.reject(notUsed('resources'));
  }

  replyWaits(): Promise<never> {
    return Promise.reject(notUsed('replyWaits'));
  }

  versions(): Promise<never> {
    return Promise.reject(notUsed('versions'));
  }

  cancel(id: LockId): Promise<void> {
    this.calls.push(`cancel ${id}`);
    return Promise.resolve();
  }

  unlock(id: LockId, request: UnlockRequest = {}): Promise<void> {
    this.calls.push(`unlock ${id}${request.force === true ? ' force' : ''}`);
    return Promise.resolve();
  }

  adopt(request: { readonly resource: string }): Promise<LockId> {
    this.calls.push(`adopt ${request.resource}`);
    return Promise.resolve(this.#id());
  }

  localLocks(): Promise<readonly LocalLock[]> {
    this.onLocalLocks();
    return Promise.resolve(this.local);
  }

  release(): Promise<void> {
    this.calls.push('release');
    return Promise.reject(new DlmError('LOCKSPACE_BUSY', 'release', 'locks remain'));
  }

  close(): Promise<void> {
    this.calls.push('close');
    return Promise.resolve();
  }
}

/** The coordinator must not need what this fake has not. */
function notUsed(call: string): DlmError {
  return new DlmError('BAD_REQUEST', call, `the coordinator does not ${call}`);
}
