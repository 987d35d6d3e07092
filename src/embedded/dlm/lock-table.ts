import type { LockMode } from '../../dlm/index.js';
import type { Queues } from './grant.js';
import type { EngineLock, LockEvent, LockFlags, LockOwner } from './lock.js';
import { Resource } from './resource.js';

export type Adoption =
  | { readonly kind: 'adopted'; readonly lock: EngineLock }
  | { readonly kind: 'no-orphan' }
  | { readonly kind: 'other-mode' };

const NO_QUEUES: Pick<Queues, 'granted' | 'converting'> = { granted: [], converting: [] };

/**
 * All locks of one lockspace, of all its nodes: the part that decides who holds what.
 * Pure and synchronous: no clock, no membership. Who may call, and when, is decided above it.
 */
export class LockTable {
  readonly #resources = new Map<string, Resource>();
  readonly #locks = new Set<EngineLock>();
  readonly #freeIds: number[] = [];
  #idHighest = 0;

  /** A new lock. A request that is refused leaves nothing behind. */
  request(
    owner: LockOwner, resource: string, mode: LockMode, flags: LockFlags,
  ): { readonly lock: EngineLock; readonly events: readonly LockEvent[] } {
    const lock: EngineLock = {
      lkid: this.#freeIds.pop() ?? (this.#idHighest += 1),
      resource, nodeId: owner.nodeId, owner, flags,
      status: { kind: 'waiting', to: mode },
      orphan: false, notifiedRank: 0, valueCopy: null, read: null, demoted: false,
    };
    this.#locks.add(lock);
    const events = this.#resource(resource, owner.nodeId).request(lock, mode);
    if (events.some((event) => event.kind === 'completed' && event.how === 'would-block')) {
      this.#forget(lock);
    }
    return { lock, events };
  }

  /** Throws when the lock is not granted (the caller checks; the kernel says EBUSY). */
  convert(lock: EngineLock, mode: LockMode, flags: LockFlags): readonly LockEvent[] {
    return this.#resourceOf(lock).convert(lock, mode, flags);
  }

  /** Cancels a waiting request, which then is gone, or a convert, which keeps its old mode. */
  cancel(
    lock: EngineLock, how: 'canceled' | 'deadlock' = 'canceled',
  ): readonly LockEvent[] {
    const wasNew = lock.status.kind === 'waiting';
    const events = this.#resourceOf(lock).cancel(lock, how);
    if (wasNew) this.#forget(lock);
    return events;
  }

  unlock(lock: EngineLock, value: 'invalidate' | null = null): readonly LockEvent[] {
    const events = this.#resourceOf(lock).unlock(lock, value);
    this.#forget(lock);
    return events;
  }

  /** Gives an orphan of the owner's own node to it: same name bytes, same granted mode. */
  adopt(owner: LockOwner, resource: string, mode: LockMode, flags: LockFlags): Adoption {
    const { granted, converting } = this.#resources.get(resource)?.queues ?? NO_QUEUES;
    const orphans = [...granted, ...converting].filter((lock) =>
      lock.orphan && lock.nodeId === owner.nodeId);
    const match = orphans.find(({ status }) => status.kind === 'granted' && status.mode === mode);
    if (match === undefined) return { kind: orphans.length === 0 ? 'no-orphan' : 'other-mode' };
    match.orphan = false;
    match.owner = owner;
    match.flags = flags;
    return { kind: 'adopted', lock: match };
  }

  /** The owner's process is gone: persistent locks become orphans, the others are unlocked. */
  closeOwner(owner: LockOwner): readonly LockEvent[] {
    const events: LockEvent[] = [];
    for (const lock of [...this.#locks]) {
      if (lock.owner !== owner || lock.orphan) continue;
      if (lock.flags.persistent === true && lock.status.kind !== 'waiting') {
        lock.orphan = true;
        events.push(...this.cancel(lock));
      } else {
        // The kernel cannot know what its process was about to write. @see unlock_proc_lock
        events.push(...this.unlock(lock, 'invalidate'));
      }
    }
    return events;
  }

  /** Orphans of the node are unlocked without a word to anyone but those who wait. */
  purge(nodeId: number, pid: number | null): readonly LockEvent[] {
    return this.locksOf(nodeId)
      .filter(({ orphan, owner }) => orphan && (pid === null || owner.pid === pid))
      .flatMap((lock) => this.unlock(lock));
  }

  /** A forced release: all locks of the node are unlocked, orphans too. */
  discard(nodeId: number): readonly LockEvent[] {
    return this.locksOf(nodeId).flatMap((lock) => this.unlock(lock));
  }

  /** Recovery: the node's locks vanish, orphans too; then everyone who can be is served. */
  dropNode(nodeId: number): readonly LockEvent[] {
    const dropped = new Map<string, EngineLock[]>();
    for (const lock of this.locksOf(nodeId)) {
      dropped.set(lock.resource, [...dropped.get(lock.resource) ?? [], lock]);
      this.#resources.get(lock.resource)?.drop(lock);
      this.#forget(lock);
    }
    for (const [name, resource] of this.#resources) {
      resource.recover(dropped.get(name) ?? [], (master) => master === nodeId);
    }
    return [...dropped.keys()].flatMap((name) => this.#resources.get(name)?.serve() ?? []);
  }

  /** The node's locks, oldest first. */
  locksOf(nodeId: number): readonly EngineLock[] {
    return [...this.#locks].filter((lock) => lock.nodeId === nodeId);
  }

  /** Every lock on this name, in the order of the granted, convert and wait queues. */
  locksOn(resource: string): readonly EngineLock[] {
    const queues = this.#resources.get(resource)?.queues;
    return queues === undefined
      ? [] : [...queues.granted, ...queues.converting, ...queues.waiting];
  }

  /** A resource by its name; null while there is no lock on it. */
  resource(name: string): Resource | null {
    return this.#resources.get(name) ?? null;
  }

  get resourceNames(): readonly string[] {
    return [...this.#resources.keys()];
  }

  has(lock: EngineLock): boolean {
    return this.#locks.has(lock);
  }

  #resourceOf(lock: EngineLock): Resource {
    return this.#resource(lock.resource, lock.nodeId);
  }

  /** Who asks first for a name becomes its master. */
  #resource(name: string, nodeId: number): Resource {
    const existing = this.#resources.get(name);
    if (existing !== undefined) return existing;
    const created = new Resource(nodeId);
    this.#resources.set(name, created);
    return created;
  }

  #forget(lock: EngineLock): void {
    if (!this.#locks.delete(lock)) return;
    this.#freeIds.push(lock.lkid);
    if (this.#resources.get(lock.resource)?.isUnused === true) {
      this.#resources.delete(lock.resource);
    }
  }
}
