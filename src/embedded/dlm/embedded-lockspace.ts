import type { Clock } from '../../clock.js';
import { IsolatingEmitter } from '../../native/emitter.js';
import {
  DlmError, type ConvertRequest, type LocalLock, type LockId, type LockMode, type Lockspace,
  type LockspaceEvents, type Take, type TakeRequest,
} from '../../dlm/index.js';
import { Mailbox } from '../mailbox.js';
import { HeldLock, type Kernelward } from './held-lock.js';
import type { Kernel } from './kernel.js';
import { grantedMode, requestedMode, type EngineLock, type LockEvent, type LockOwner } from './lock.js';
import type { SharedLockspace } from './shared-lockspace.js';
import { StallWatch } from './stall-watch.js';

const RESOURCE_BYTES_MAX = 64;

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
    const { resource, mode, wait } = request;
    const id = (this.#idHighest += 1) as LockId;
    const refusal = this.#endedError('take') ?? checkName(resource, 'take');
    if (refusal !== null) return { id, granted: Promise.reject(refusal) };
    const held = new HeldLock(id, resource, this.#kernelward());
    this.#held.set(id, held);
    return { id, granted: held.take(mode, wait) };
  }

  async convert(id: LockId, request: ConvertRequest): Promise<void> {
    await this.#find(id, 'convert').convert(request.mode, request.wait);
  }

  async cancel(id: LockId): Promise<void> {
    await this.#find(id, 'cancel').cancel();
  }

  async unlock(id: LockId): Promise<void> {
    await this.#find(id, 'unlock').unlock();
  }

  async adopt(request: { readonly resource: string; readonly mode: LockMode }): Promise<LockId> {
    const { resource, mode } = request;
    const refusal = this.#endedError('adopt') ?? checkName(resource, 'adopt');
    if (refusal !== null) throw refusal;
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
    const refusal = this.#endedError('local locks');
    if (refusal !== null) throw refusal;
    const { shared, nodeId, clock } = this.#modules;
    // debugfs answers while the lockspace stands still, so this does not pass through the kernel.
    await new Promise<void>((resolve) => {
      clock.setTimer(0, resolve);
    });
    return shared.locksOf(nodeId).map(toLocalLock);
  }

  async release(): Promise<void> {
    const refusal = this.#endedError('release');
    if (refusal !== null) throw refusal;
    const { shared, nodeId, kernel } = this.#modules;
    const left = await this.#call('release', this.name, () => {
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
    if (event.kind === 'completed') return held.complete(event.how);
    this.emit('blocking', held.id, event.mode);
  }

  #find(id: LockId, operation: string): HeldLock {
    const refusal = this.#endedError(operation);
    if (refusal !== null) throw refusal;
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

function checkName(resource: string, operation: string): DlmError | null {
  const { length } = Buffer.from(resource);
  if (length >= 1 && length <= RESOURCE_BYTES_MAX) return null;
  return new DlmError('BAD_REQUEST', operation, `${operation}: a resource's name has 1 to ${RESOURCE_BYTES_MAX} bytes, this one ${length}`);
}
