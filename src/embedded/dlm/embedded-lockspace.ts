import type { Clock } from '../../clock.js';
import { IsolatingEmitter } from '../../native/emitter.js';
import {
  DlmError, type ConvertRequest, type DlmVersions, type Grant, type KernelResource,
  type LocalLock, type LockId, type LockMode, type Lockspace, type LockspaceEvents,
  type PurgeRequest, type ReleaseRequest, type ReplyWait, type Take, type TakeRequest,
  type UnlockRequest,
} from '../../dlm/index.js';
import {
  checkObject, convertOptions, purgeOptions, takeOptions, unlockOptions,
} from '../../dlm/lock-options.js';
import { checkMode, checkResource } from '../../dlm/names.js';
import { Mailbox } from '../mailbox.js';
import { HeldLock, type Kernelward } from './held-lock.js';
import type { Kernel } from './kernel.js';
import { grantedMode, requestedMode, type EngineLock, type LockEvent, type LockOwner } from './lock.js';
import { listResources } from './resource-list.js';
import type { SharedLockspace } from './shared-lockspace.js';
import { StallWatch } from './stall-watch.js';

/** What the kernel says of a node that is not in the lockspace. @see errno(3) */
const ENOBUFS = 105;

export interface LockspaceModules {
  readonly nodeId: number;
  readonly pid: number;
  readonly clock: Clock;
  readonly shared: SharedLockspace;
  readonly kernel: Kernel;
  readonly stalledMs: number;
  /** Called once when this object is of no use any more. */
  readonly ended: () => void;
}

/** `lost`: the child died. `silent`: the whole process did, and its promises never settle. */
export type Ending = 'closed' | 'lost' | 'silent';

/** The embedded side of the Lockspace port: one opener of one lockspace on one node. */
export class EmbeddedLockspace extends IsolatingEmitter<LockspaceEvents> implements Lockspace {
  readonly name: string;
  readonly #modules: LockspaceModules;
  readonly #mailbox: Mailbox;
  readonly #owner: LockOwner & { alive: boolean };
  readonly #held = new Map<LockId, HeldLock>();
  readonly #byLock = new Map<EngineLock, HeldLock>();
  readonly #stalls: StallWatch;
  readonly #calls = new Set<(cause: DlmError) => void>();
  readonly #unwatch: () => void;
  #ending: Ending | null = null;
  #idHighest = 0;

  constructor(modules: LockspaceModules) {
    super();
    const { clock, nodeId, pid, shared, kernel, stalledMs } = modules;
    this.name = shared.name;
    this.#modules = modules;
    this.#mailbox = new Mailbox(clock);
    this.#owner = {
      nodeId, pid, alive: true,
      notify: (event) => this.#mailbox.post(() => this.#receive(event)),
    };
    kernel.openers.add(this.#owner);
    this.#stalls = new StallWatch(clock, stalledMs, (operations) => {
      this.emit('stalled', operations);
    });
    this.#unwatch = shared.watch(nodeId, () => {
      this.#mailbox.post(() => this.emit('changed'));
    });
  }

  take(request: TakeRequest): Take {
    const id = (this.#idHighest += 1) as LockId;
    return { id, granted: this.#take(id, request) };
  }

  async convert(id: LockId, request: ConvertRequest): Promise<Grant> {
    convertOptions(request);
    return this.#find(id, 'convert').convert(request);
  }

  async cancel(id: LockId): Promise<void> {
    await this.#cancel(id, 'cancel', 'canceled');
  }

  async deadlockCancel(id: LockId): Promise<void> {
    await this.#cancel(id, 'deadlock-cancel', 'deadlock');
  }

  async unlock(id: LockId, request: UnlockRequest = {}): Promise<void> {
    unlockOptions(request);
    await this.#find(id, 'unlock').unlock(request);
  }

  async adopt(request: { readonly resource: string; readonly mode: LockMode }): Promise<LockId> {
    checkObject('adopt', request);
    const { resource, mode } = request;
    checkResource('adopt', resource);
    checkMode('adopt', mode);
    this.#checkOpen('adopt');
    const adoption = await this.#call('adopt', resource, () =>
      this.#modules.shared.table.adopt(this.#owner, resource, mode, { persistent: true }));
    if (adoption.kind === 'no-orphan') {
      throw new DlmError('NO_ORPHAN', 'adopt', `adopt: this node has no orphan on '${resource}'`);
    }
    if (adoption.kind === 'other-mode') {
      throw new DlmError('OTHER_MODE', 'adopt', `adopt: the orphan on '${resource}' is not in mode ${mode}; try the other modes`);
    }
    const id = (this.#idHighest += 1) as LockId;
    const held = new HeldLock(id, resource, this.#kernelward());
    held.adopted(adoption.lock);
    this.#held.set(id, held);
    this.#byLock.set(adoption.lock, held);
    return id;
  }

  async localLocks(): Promise<readonly LocalLock[]> {
    this.#checkOpen('local locks');
    const { shared, nodeId } = this.#modules;
    await this.#later();
    return shared.locksOf(nodeId).map(toLocalLock);
  }

  async resources(): Promise<readonly KernelResource[]> {
    this.#checkOpen('resources');
    const { shared, nodeId } = this.#modules;
    await this.#later();
    return listResources(shared.table, nodeId);
  }

  /** The engine decides in the turn in which it is asked: no message is ever on its way. */
  async replyWaits(): Promise<readonly ReplyWait[]> {
    this.#checkOpen('reply waits');
    await this.#later();
    return [];
  }

  async versions(): Promise<DlmVersions> {
    this.#checkOpen('versions');
    await this.#later();
    return { kernel: '6.0.2', library: '6.0.2' };
  }

  async purge(request: PurgeRequest = {}): Promise<void> {
    const { pid: own, shared, nodeId: here } = this.#modules;
    const { nodeId, pid } = purgeOptions(request, [own]);
    this.#checkOpen('purge');
    const target = nodeId === 0 ? here : nodeId;
    if (!shared.hasNode(target)) {
      throw new DlmError('KERNEL', 'purge', `purge: node ${target} is not in lockspace '${this.name}'`, { status: ENOBUFS });
    }
    await this.#call('purge', this.name, () =>
      shared.dispatch(shared.table.purge(target, pid === 0 ? null : pid)));
  }

  async release(request: ReleaseRequest = {}): Promise<void> {
    checkObject('release', request);
    this.#checkOpen('release');
    const { shared, nodeId, kernel } = this.#modules;
    const left = await this.#call('release', this.name, () => {
      if (request.force === true) shared.dispatch(shared.table.discard(nodeId));
      if (shared.table.locksOf(nodeId).length > 0 || kernel.openers.size > 1) return false;
      kernel.openers.delete(this.#owner);
      shared.leave(nodeId);
      return true;
    });
    if (!left) {
      throw new DlmError('LOCKSPACE_BUSY', 'release', `release: locks, orphans or other processes are still in lockspace '${this.name}'; unlock or adopt and unlock them first`);
    }
    this.end('closed');
  }

  close(): Promise<void> {
    this.end('closed');
    return Promise.resolve();
  }

  /** any -> ended: what is held becomes orphans as soon as the kernel gets to it. */
  end(ending: Ending): void {
    if (this.#ending !== null) return;
    this.#ending = ending;
    this.#owner.alive = false;
    this.#unwatch();
    this.#stalls.close();
    this.#mailbox.close();
    const { kernel, shared, clock, ended } = this.#modules;
    kernel.submit(() => {
      kernel.openers.delete(this.#owner);
      shared.dispatch(shared.table.closeOwner(this.#owner));
    });
    ended();
    if (ending === 'silent') return;
    clock.setTimer(0, () => {
      const cause = this.#endedError('wait') ?? lostError('wait');
      for (const held of this.#held.values()) held.void(cause);
      for (const reject of this.#calls) reject(cause);
      if (ending === 'lost') this.emit('lost', lostError('dispatch'));
    });
  }

  #receive(event: LockEvent): void {
    const held = this.#byLock.get(event.lock);
    if (held === undefined) return;
    if (event.kind === 'completed') return held.complete(event);
    this.emit('blocking', held.id, event.mode);
  }

  /** Throws in a promise, as the real side does, whatever is wrong. */
  async #take(id: LockId, request: TakeRequest): Promise<Grant> {
    takeOptions(request);
    this.#checkOpen('take');
    const held = new HeldLock(id, request.resource, this.#kernelward());
    this.#held.set(id, held);
    return held.take(request);
  }

  async #cancel(id: LockId, operation: string, how: 'canceled' | 'deadlock'): Promise<void> {
    const held = this.#held.get(id);
    if (held === undefined) {
      this.#checkOpen(operation);
      // A lock of ours that is gone was decided before: nothing is left to cancel.
      if (Number.isInteger(id) && id >= 1 && id <= this.#idHighest) return;
    }
    await this.#find(id, operation).cancel(how);
  }

  #checkOpen(operation: string): void {
    const refusal = this.#endedError(operation);
    if (refusal !== null) throw refusal;
  }

  /** debugfs answers while the lockspace stands still: what reads it passes no kernel. */
  #later(): Promise<void> {
    return new Promise((resolve) => {
      this.#modules.clock.setTimer(0, resolve);
    });
  }

  #find(id: LockId, operation: string): HeldLock {
    this.#checkOpen(operation);
    const held = this.#held.get(id);
    if (held !== undefined) return held;
    throw new DlmError('UNKNOWN_LOCK', operation, `${operation}: lock id ${id} names no lock of this lockspace; it was unlocked or never granted`);
  }

  /** The way from a lock to the kernel and back. */
  #kernelward(): Kernelward {
    const { shared } = this.#modules;
    return {
      table: shared.table,
      owner: this.#owner,
      submit: (operation, resource, run) => this.#submit(operation, resource, run),
      attach: (lock, held) => this.#byLock.set(lock, held),
      dispatch: (events) => shared.dispatch(events),
      forget: (held, lock) => {
        this.#held.delete(held.id);
        if (lock !== null) this.#byLock.delete(lock);
      },
    };
  }

  #submit(operation: string, resource: string, run: () => void): void {
    const finish = this.#stalls.begin(operation, resource);
    this.#modules.kernel.submit(() => {
      finish();
      run();
    });
  }

  /** Asks the kernel and comes back in a later turn. */
  #call<Answer>(operation: string, resource: string, ask: () => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#calls.add(reject);
      this.#submit(operation, resource, () => {
        if (!this.#owner.alive) return;
        const answer = ask();
        this.#mailbox.post(() => {
          this.#calls.delete(reject);
          resolve(answer);
        });
      });
    });
  }

  #endedError(operation: string): DlmError | null {
    if (this.#ending === null) return null;
    if (this.#ending === 'lost') return lostError(operation);
    return new DlmError('CLOSED', operation, `${operation}: the lockspace was closed; open it again`);
  }
}

function toLocalLock(lock: EngineLock): LocalLock {
  const { lkid, resource, owner, status, orphan } = lock;
  return {
    lkid, resource,
    granted: grantedMode(lock) ?? 'NL',
    requested: requestedMode(lock),
    status: status.kind,
    ownerPid: owner.pid,
    orphan: orphan || !owner.alive,
  };
}

function lostError(operation: string): DlmError {
  return new DlmError('CHILD_LOST', operation, `${operation}: the process that speaks to the lock manager has ended; open the lockspace again and adopt what it held`);
}
