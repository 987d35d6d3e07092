import { EventEmitter } from 'eventemitter3';
import type { Clock, Timer } from '../clock.js';
import { messageOf } from '../errors.js';
import { ChildLink } from './child-link.js';
import { DlmError } from './error.js';
import type { KernelFiles } from './kernel-files.js';
import { readLocalLocks } from './local-locks.js';
import { checkMode, checkResource } from './names.js';
import { Outstanding, OPERATIONS_MAX } from './outstanding.js';
import type {
  ConvertRequest, LocalLock, LockId, LockMode, Lockspace, LockspaceEvents, Take, TakeRequest,
} from './port.js';
import type { Failure, Reply, Request } from './protocol.js';

/** An operation that has not come back for so long is reported as stuck in the kernel. */
export const STALL_MS = 5_000;

/** How often the operations under way, the child's loop and the kernel's recovery are looked at. */
export const WATCH_INTERVAL_MS = 500;

/** How often the child is asked whether its loop turns. */
export const HEARTBEAT_MS = 2_000;

export interface LockspaceModules {
  readonly clock: Clock;
  readonly kernel: KernelFiles;
  readonly command: readonly [string, ...string[]];
  readonly log: (message: string) => void;
  /** The child is gone: the name is free to be opened again. */
  readonly onEnd: () => void;
}

type State =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open' }
  | { readonly kind: 'closing' }
  | { readonly kind: 'ended'; readonly error: DlmError };

type RequestBody<R = Request> = R extends Request ? Omit<R, 'op'> : never;

/** The real side of `Lockspace`: one child process that has this lockspace open. */
export class ChildLockspace extends EventEmitter<LockspaceEvents> implements Lockspace {
  readonly name: string;
  readonly #modules: LockspaceModules;
  readonly #link: ChildLink;
  readonly #outstanding: Outstanding;
  /** The locks that the child may have, with the operation that is under way on each. */
  readonly #locks = new Map<LockId, { readonly resource: string; op: number | null }>();
  #state: State = { kind: 'opening' };
  #nextId = 1;
  #nextOp = 1;
  #watch: Timer | null = null;
  #heartbeatOut = false;
  #heartbeatMs = 0;
  #stalledCount = 0;
  #stalledToldMs = 0;
  #recoverStatus: number | null = null;

  constructor(name: string, modules: LockspaceModules) {
    super();
    this.name = name;
    this.#modules = modules;
    this.#outstanding = new Outstanding(() => modules.clock.monotonic());
    this.#link = new ChildLink({
      command: modules.command,
      clock: modules.clock,
      onReply: (reply) => this.#replied(reply),
      onLog: (message) => modules.log(`dlm child of ${name}: ${message}`),
      onEnd: (reason) => this.#ended(reason),
    });
  }

  /** The child's process id; null when it could not be started. */
  get childPid(): number | null {
    return this.#link.pid;
  }

  /** opening -> open. Rejects with DlmError; the object is of no use then. */
  async open(): Promise<void> {
    try {
      await this.#ask('open', this.name, {
        kind: 'open', lockspace: this.name, flags: 0, exclusive: false,
      });
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#state = { kind: 'open' };
    this.#heartbeatMs = this.#modules.clock.monotonic();
    this.#armWatch();
  }

  /** Why it can no longer be used; null while it can. */
  get failure(): DlmError | null {
    return this.#state.kind === 'ended' ? this.#state.error : null;
  }

  take({ resource, mode, wait }: TakeRequest): Take {
    const id = this.#newId();
    return { id, granted: this.#take(id, resource, mode, wait) };
  }

  async convert(id: LockId, { mode, wait }: ConvertRequest): Promise<void> {
    checkMode('convert', mode);
    await this.#askOfLock('convert', id, {
      kind: 'convert', id, mode, wait, flags: 0, value: null,
    });
  }

  async cancel(id: LockId): Promise<void> {
    const lock = this.#locks.get(id);
    if (lock === undefined) {
      this.#checkIssued('cancel', id);
      return;
    }
    if (lock.op !== null) {
      this.#outstanding.unqueue(lock.op);
    }
    await this.#ask('cancel', lock.resource, { kind: 'cancel', id });
  }

  async unlock(id: LockId): Promise<void> {
    await this.#askOfLock('unlock', id, { kind: 'unlock', id, flags: 0, value: null });
    this.#locks.delete(id);
  }

  async adopt(
    { resource, mode }: { readonly resource: string; readonly mode: LockMode },
  ): Promise<LockId> {
    checkResource('adopt', resource);
    checkMode('adopt', mode);
    const id = this.#newId();
    await this.#ask('adopt', resource, { kind: 'adopt', id, resource, mode });
    this.#locks.set(id, { resource, op: null });
    return id;
  }

  async localLocks(): Promise<readonly LocalLock[]> {
    return readLocalLocks(this.#modules.kernel, this.name);
  }

  async release(): Promise<void> {
    this.#checkOpen('release');
    const before = await this.#locksIfReadable();
    if (this.#locks.size > 0 || (before !== null && before.length > 0)) {
      throw this.#busy(before ?? []);
    }
    try {
      await this.#ask('release', this.name, { kind: 'release', force: 0 });
    } catch (error) {
      if (!(error instanceof DlmError) || error.code !== 'LOCKSPACE_BUSY' || before === null) {
        throw error;
      }
      // What the kernel still keeps may be other nodes' locks that it is master for: they move
      // to another master when this node leaves, which only a forced release does.
      const now = await readLocalLocks(this.#modules.kernel, this.name);
      if (now.length > 0) {
        throw this.#busy(now);
      }
      await this.#ask('release', this.name, { kind: 'release', force: 1 });
    }
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#state.kind === 'ended') {
      return;
    }
    this.#state = { kind: 'closing' };
    this.#watch?.cancel();
    this.#outstanding.rejectAll(closedError(this.name));
    if (!await this.#link.close()) {
      this.#modules.log(`dlm child of ${this.name} (pid ${this.#link.pid}) is stuck in the kernel `
        + 'and was left behind; it ends when the lockspace runs again');
    }
  }

  async #take(id: LockId, resource: string, mode: LockMode, wait: boolean): Promise<void> {
    checkResource('take', resource);
    checkMode('take', mode);
    this.#locks.set(id, { resource, op: null });
    try {
      await this.#askOfLock('take', id, {
        kind: 'take', id, resource, mode, wait, persistent: true, flags: 0,
      });
    } catch (error) {
      this.#locks.delete(id);
      throw error;
    }
  }

  /** Asks something of a lock that must exist, and notes which operation is under way on it. */
  async #askOfLock(operation: string, id: LockId, body: RequestBody): Promise<void> {
    const lock = this.#locks.get(id);
    if (lock === undefined) {
      this.#checkOpen(operation);
      throw unknownLock(operation, id);
    }
    const op = this.#nextOp;
    const answered = this.#ask(operation, lock.resource, body);
    lock.op = op;
    try {
      await answered;
    } finally {
      if (lock.op === op) {
        lock.op = null;
      }
    }
  }

  async #ask(operation: string, resource: string, body: RequestBody): Promise<void> {
    if (body.kind !== 'open') {
      this.#checkOpen(operation);
    }
    if (isBounded(body) && this.#outstanding.size >= OPERATIONS_MAX) {
      const message = `${operation} of ${JSON.stringify(resource)}: ${OPERATIONS_MAX} operations `
        + 'are under way in this lockspace already; ask again when some have ended';
      throw new DlmError('BAD_REQUEST', operation, message, { retryable: true });
    }
    const op = this.#nextOp;
    this.#nextOp += 1;
    const answered = this.#outstanding.add(op, operation, resource);
    this.#link.send({ ...body, op });
    await answered;
  }

  #replied(reply: Reply): void {
    switch (reply.kind) {
      case 'queued':
        return this.#outstanding.queue(reply.op);
      case 'done':
      case 'granted':
      case 'versions':
        return void this.#outstanding.settle(reply.op, null);
      case 'failed':
        return void this.#outstanding.settle(reply.op, errorOf(reply.failure));
      case 'blocking':
        return this.#tell('blocking', reply.id as LockId, null);
      case 'board':
        return;
      case 'log':
        return this.#modules.log(`dlm child of ${this.name}: ${reply.message}`);
      default:
        return reply satisfies never;
    }
  }

  /** any -> ended; tells `lost` unless we ended the child ourselves. */
  #ended(reason: string): void {
    const wanted = this.#state.kind === 'closing';
    const wasOpen = this.#state.kind === 'open';
    const error = wanted ? closedError(this.name) : childLost(this.name, reason);
    this.#state = { kind: 'ended', error };
    this.#watch?.cancel();
    this.#locks.clear();
    this.#outstanding.rejectAll(error);
    this.#modules.onEnd();
    if (wasOpen) {
      this.#tell('lost', error);
    }
  }

  #armWatch(): void {
    this.#watch = this.#modules.clock.setTimer(WATCH_INTERVAL_MS, () => {
      if (this.#state.kind === 'open') {
        this.#beat();
        this.#reportStalled();
        void this.#watchRecovery();
        this.#armWatch();
      }
    });
  }

  /** One heartbeat at a time: one that stays out counts as a stalled operation. */
  #beat(): void {
    const now = this.#modules.clock.monotonic();
    if (this.#heartbeatOut || now - this.#heartbeatMs < HEARTBEAT_MS) {
      return;
    }
    this.#heartbeatOut = true;
    this.#heartbeatMs = now;
    const back = (): void => {
      this.#heartbeatOut = false;
    };
    this.#ask('heartbeat', '', { kind: 'ping' }).then(back, back);
  }

  /** Tells what is stuck when that has changed, and again every `STALL_MS` while it lasts. */
  #reportStalled(): void {
    const stalled = this.#outstanding.stalled(STALL_MS);
    const now = this.#modules.clock.monotonic();
    const known = stalled.length === this.#stalledCount;
    if (known && (stalled.length === 0 || now - this.#stalledToldMs < STALL_MS)) {
      return;
    }
    if ((stalled.length > 0) !== (this.#stalledCount > 0)) {
      this.#tell('changed');
    }
    this.#stalledCount = stalled.length;
    this.#stalledToldMs = now;
    this.#tell('stalled', stalled);
  }

  async #watchRecovery(): Promise<void> {
    const recoverStatus = await this.#modules.kernel.recoverStatus(this.name);
    if (recoverStatus !== this.#recoverStatus && this.#state.kind === 'open') {
      this.#recoverStatus = recoverStatus;
      this.#tell('changed');
    }
  }

  async #locksIfReadable(): Promise<readonly LocalLock[] | null> {
    try {
      return await readLocalLocks(this.#modules.kernel, this.name);
    } catch (error) {
      this.#modules.log(`release of ${this.name}: ${messageOf(error)}`);
      return null;
    }
  }

  /** A listener that throws is our own bug, but must not stop the frames of the child. */
  #tell<E extends keyof LockspaceEvents>(event: E, ...args: LockspaceEvents[E]): void {
    try {
      this.emit(event, ...args as Parameters<EventEmitter.EventListener<LockspaceEvents, E>>);
    } catch (fault) {
      this.#modules.log(`a listener of ${event} in ${this.name} failed: ${messageOf(fault)}`);
    }
  }

  #busy(locks: readonly LocalLock[]): DlmError {
    const count = Math.max(locks.length, this.#locks.size);
    const orphans = locks.filter((lock) => lock.orphan).length;
    const message = `lockspace ${this.name} was not left: this node has ${count} locks in it, `
      + `${orphans} of them orphans; unlock or adopt and unlock them first`;
    return new DlmError('LOCKSPACE_BUSY', 'release', message);
  }

  #newId(): LockId {
    const id = this.#nextId as LockId;
    this.#nextId += 1;
    return id;
  }

  #checkOpen(operation: string): void {
    switch (this.#state.kind) {
      case 'open':
        return;
      case 'ended':
        throw this.#state.error;
      case 'opening':
      case 'closing':
        throw new DlmError('CLOSED', operation, `lockspace ${this.name} is ${this.#state.kind}`);
      default:
        this.#state satisfies never;
    }
  }

  /** A lock of ours that is gone was decided before: nothing is left to cancel. */
  #checkIssued(operation: string, id: LockId): void {
    this.#checkOpen(operation);
    if (!(id >= 1 && id < this.#nextId)) {
      throw unknownLock(operation, id);
    }
  }
}

function errorOf({ code, operation, message, status, retryable }: Failure): DlmError {
  return new DlmError(code, operation, message, {
    retryable, ...(status === null ? {} : { status }),
  });
}

function unknownLock(operation: string, id: LockId): DlmError {
  return new DlmError('UNKNOWN_LOCK', operation, `no lock has the id ${id} (any more)`);
}

function closedError(name: string): DlmError {
  return new DlmError('CLOSED', 'close', `lockspace ${name} was closed; open it again`);
}

function childLost(name: string, reason: string): DlmError {
  const message = `the process that keeps lockspace ${name} open is gone: ${reason}; what it held `
    + 'is an orphan of this node: open the lockspace again and adopt';
  return new DlmError('CHILD_LOST', 'child', message, { retryable: true });
}

/**
 * What may be refused when too much is under way. Unlocks, cancels and adoptions are bounded by the
 * locks that there are, and are what makes room again: they always pass.
 */
function isBounded(body: { readonly kind: Request['kind'] }): boolean {
  return body.kind === 'take' || body.kind === 'convert';
}
