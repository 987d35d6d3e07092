import { IsolatingEmitter } from '../native/emitter.js';
import type { Clock } from '../clock.js';
import { childLost, closedError, errorOf, grantOf, unknownLock } from './child-answer.js';
import { ChildLink } from './child-link.js';
import { DlmError } from './error.js';
import type { KernelFiles } from './kernel-files.js';
import { readLocalLocks, readReplyWaits, readResources } from './local-locks.js';
import { checkObject, convertOptions, purgeOptions, takeOptions, unlockOptions } from './lock-options.js';
import { releaseWholly } from './lockspace-release.js';
import { LockspaceWatch } from './lockspace-watch.js';
import { checkMode, checkResource } from './names.js';
import { Outstanding, OPERATIONS_MAX, type Answer, type Settle } from './outstanding.js';
import type {
  ConvertRequest, DlmVersions, Grant, KernelResource, LocalLock, LockId, LockMode, Lockspace,
  LockspaceEvents, PurgeRequest, ReleaseRequest, ReplyWait, Take, TakeRequest, UnlockRequest,
} from './port.js';
import type { Reply, Request } from './protocol.js';

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

/** A lock that the child may have, and the operation that is under way on it. */
interface OwnLock {
  readonly resource: string;
  op: number | null;
}

type RequestBody<R = Request> = R extends Request ? Omit<R, 'op'> : never;

/** The real side of `Lockspace`: one child process that has this lockspace open. */
export class ChildLockspace extends IsolatingEmitter<LockspaceEvents> implements Lockspace {
  readonly name: string;
  readonly #modules: LockspaceModules;
  readonly #link: ChildLink;
  readonly #outstanding: Outstanding;
  readonly #watch: LockspaceWatch;
  /** The locks that the child may have, with the operation that is under way on each. */
  readonly #locks = new Map<LockId, OwnLock>();
  #state: State = { kind: 'opening' };
  #nextId = 1;
  #nextOp = 1;

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
    this.#watch = new LockspaceWatch({
      clock: modules.clock,
      kernel: modules.kernel,
      lockspace: name,
      outstanding: this.#outstanding,
      childPid: () => this.#link.pid,
      beat: () => this.#beat(),
      changed: () => this.emit('changed'),
      stalled: (operations) => this.emit('stalled', operations),
    });
  }

  /** The child's process id; null when it could not be started. */
  get childPid(): number | null {
    return this.#link.pid;
  }

  /** opening -> open. Rejects with DlmError; the object is of no use then. */
  async open(creation: { readonly flags: number; readonly exclusive: boolean }): Promise<void> {
    try {
      await this.#ask('open', this.name, { kind: 'open', lockspace: this.name, ...creation });
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#state = { kind: 'open' };
    this.#watch.start();
  }

  /** Why it can no longer be used; null while it can. */
  get failure(): DlmError | null {
    return this.#state.kind === 'ended' ? this.#state.error : null;
  }

  take(request: TakeRequest): Take {
    const id = this.#newId();
    return { id, granted: this.#take(id, request) };
  }

  convert(id: LockId, request: ConvertRequest): Promise<Grant> {
    return new Promise((resolve, reject) => {
      const { flags, value } = convertOptions(request);
      const { mode, wait } = request;
      const op = this.#newOp();
      this.#askOfLock('convert', { kind: 'convert', op, id, mode, wait, flags, value },
        (outcome) => outcome instanceof DlmError
          ? reject(outcome)
          : resolve(grantOf(mode, outcome)));
    });
  }

  async cancel(id: LockId): Promise<void> {
    await this.#cancel('cancel', id);
  }

  async deadlockCancel(id: LockId): Promise<void> {
    await this.#cancel('deadlock-cancel', id);
  }

  unlock(id: LockId, request: UnlockRequest = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const { flags, value } = unlockOptions(request);
      const op = this.#newOp();
      this.#askOfLock('unlock', { kind: 'unlock', op, id, flags, value }, (outcome) => {
        if (outcome instanceof DlmError) {
          return reject(outcome);
        }
        this.#locks.delete(id);
        resolve();
      });
    });
  }

  async adopt(
    request: { readonly resource: string; readonly mode: LockMode },
  ): Promise<LockId> {
    checkObject('adopt', request);
    const { resource, mode } = request;
    checkResource('adopt', resource);
    checkMode('adopt', mode);
    const id = this.#newId();
    await this.#ask('adopt', resource, { kind: 'adopt', id, resource, mode });
    this.#locks.set(id, { resource, op: null });
    return id;
  }

  async purge(request: PurgeRequest = {}): Promise<void> {
    const options = purgeOptions(request, [this.#link.pid, process.pid]);
    await this.#ask('purge', this.name, { kind: 'purge', ...options });
  }

  async versions(): Promise<DlmVersions> {
    const answer = await this.#ask('versions', '', { kind: 'versions' });
    if (answer.kind !== 'versions') {
      throw new DlmError('KERNEL', 'versions', `the child answered with ${answer.kind}`);
    }
    return { kernel: answer.kernel, library: answer.library };
  }

  async localLocks(): Promise<readonly LocalLock[]> {
    return readLocalLocks(this.#modules.kernel, this.name);
  }

  async resources(): Promise<readonly KernelResource[]> {
    return readResources(this.#modules.kernel, this.name);
  }

  async replyWaits(): Promise<readonly ReplyWait[]> {
    return readReplyWaits(this.#modules.kernel, this.name);
  }

  async release(request: ReleaseRequest = {}): Promise<void> {
    checkObject('release', request);
    this.#checkOpen('release');
    const { kernel, log } = this.#modules;
    await releaseWholly({
      name: this.name,
      kernel,
      childPid: this.#link.pid,
      ownLocks: () => this.#locks.size,
      leave: async (force) => {
        await this.#ask('release', this.name, { kind: 'release', force });
      },
      log,
    }, request.force === true);
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#state.kind === 'ended') {
      return;
    }
    this.#state = { kind: 'closing' };
    this.#watch.end();
    this.#outstanding.rejectAll(closedError(this.name));
    if (!await this.#link.close()) {
      this.#modules.log(`dlm child of ${this.name} (pid ${this.#link.pid}) is stuck in the kernel `
        + 'and was left behind; it ends when the lockspace runs again');
    }
  }

  /** One promise for all of it, and no async function on the way: it is asked most often. */
  #take(id: LockId, request: TakeRequest): Promise<Grant> {
    return new Promise((resolve, reject) => {
      const { flags } = takeOptions(request);
      const { resource, mode, wait, persistent = true } = request;
      const op = this.#newOp();
      const body: Request = { kind: 'take', op, id, resource, mode, wait, persistent, flags };
      const lock: OwnLock = { resource, op };
      this.#begin('take', resource, id, body, (outcome) => {
        lock.op = lock.op === op ? null : lock.op;
        if (outcome instanceof DlmError) {
          this.#locks.delete(id);
          return reject(outcome);
        }
        resolve(grantOf(mode, outcome));
      });
      this.#locks.set(id, lock);
    });
  }

  async #cancel(kind: 'cancel' | 'deadlock-cancel', id: LockId): Promise<void> {
    const lock = this.#locks.get(id);
    if (lock === undefined) {
      this.#checkIssued(kind, id);
      return;
    }
    if (lock.op !== null) {
      this.#outstanding.unqueue(lock.op);
    }
    await this.#ask(kind, lock.resource, { kind, id });
  }

  /** Asks something of a lock that must exist, and notes which operation is under way on it. */
  #askOfLock(
    operation: string, body: Extract<Request, { kind: 'convert' | 'unlock' }>, settle: Settle,
  ): void {
    const { id, op } = body;
    const lock = this.#locks.get(id as LockId);
    if (lock === undefined) {
      this.#checkOpen(operation);
      throw unknownLock(operation, id as LockId);
    }
    this.#begin(operation, lock.resource, id, body, (outcome) => {
      lock.op = lock.op === op ? null : lock.op;
      settle(outcome);
    });
    lock.op = op;
  }

  /** Asks for what is rare enough to be asked by a promise of its own. */
  #ask(operation: string, resource: string, body: RequestBody): Promise<Answer> {
    return new Promise((resolve, reject) => {
      // The new key first: behind a spread it costs ten times as much.
      const request = { op: this.#newOp(), ...body };
      this.#begin(operation, resource, 'id' in body ? body.id : 0, request, (outcome) =>
        outcome instanceof DlmError ? reject(outcome) : resolve(outcome));
    });
  }

  /** Sends a request and notes who is to hear of it. Throws DlmError instead when it may not. */
  #begin(operation: string, resource: string, id: number, body: Request, settle: Settle): void {
    if (body.kind !== 'open') {
      this.#checkOpen(operation);
    }
    if (isBounded(body) && this.#outstanding.size >= OPERATIONS_MAX) {
      const message = `${operation} of ${JSON.stringify(resource)}: ${OPERATIONS_MAX} operations `
        + 'are under way in this lockspace already; ask again when some have ended';
      throw new DlmError('BAD_REQUEST', operation, message, { retryable: true });
    }
    this.#outstanding.add(body.op, operation, resource, id, settle);
    this.#link.send(body);
  }

  async #beat(): Promise<void> {
    try {
      await this.#ask('heartbeat', '', { kind: 'ping' });
    } catch (error) {
      if (!(error instanceof DlmError)) {
        throw error;
      }
      // It ended meanwhile, which is told by `lost` or was asked for.
    }
  }

  #replied(reply: Reply): void {
    switch (reply.kind) {
      case 'queued':
        return this.#outstanding.queue(reply.op);
      case 'done':
      case 'granted':
      case 'versions':
        return void this.#outstanding.settle(reply.op, reply);
      case 'failed':
        return void this.#outstanding.settle(reply.op, errorOf(reply.failure));
      case 'blocking':
        // The same frame may hold several, and the first may have made a listener close it all.
        if (this.#state.kind === 'open') {
          this.emit('blocking', reply.id as LockId, reply.mode);
        }
        return;
      case 'board':
        return void this.#watch.readBoardBy(reply.fd);
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
    this.#watch.end();
    this.#locks.clear();
    this.#outstanding.rejectAll(error);
    this.#modules.onEnd();
    if (wasOpen) {
      this.emit('lost', error);
    }
  }

  #newOp(): number {
    const op = this.#nextOp;
    this.#nextOp += 1;
    return op;
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
    if (!(Number.isInteger(id) && id >= 1 && id < this.#nextId)) {
      throw unknownLock(operation, id);
    }
  }
}

/**
 * What may be refused when too much is under way. Unlocks, cancels and adoptions are bounded by the
 * locks that there are, and are what makes room again: they always pass.
 */
function isBounded(body: { readonly kind: Request['kind'] }): boolean {
  return body.kind === 'take' || body.kind === 'convert';
}
