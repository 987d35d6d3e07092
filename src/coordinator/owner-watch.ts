import type { ProcessWatch, Watched } from '../process-watch/port.js';
import type { CoreEvent } from './core/event.js';
import { ownerKey, type Owner } from './core/owner.js';

interface WatchedOwner {
  readonly watched: Watched;
  readonly lockIds: Set<number>;
}

/**
 * Watches the processes that own locks, one watch a process: a process with many locks would
 * otherwise cost as many pidfds, and its end as many events that each look at every lock.
 */
export class OwnerWatch {
  readonly #processes: ProcessWatch;
  readonly #dispatch: (event: CoreEvent) => void;
  readonly #owners = new Map<string, WatchedOwner>();
  readonly #keyByLockId = new Map<number, string>();

  constructor(processes: ProcessWatch, dispatch: (event: CoreEvent) => void) {
    this.#processes = processes;
    this.#dispatch = dispatch;
  }

  watch(id: number, owner: Owner): void {
    if (owner.kind !== 'process') return;
    const key = ownerKey(owner);
    const known = this.#owners.get(key);
    this.#keyByLockId.set(id, key);
    if (known !== undefined) {
      known.lockIds.add(id);
      return;
    }
    // Forgotten before it is told: a lock that comes too late needs a watch that fires again.
    const ended = (): void => {
      this.#owners.get(key)?.watched.close();
      this.#owners.delete(key);
      this.#dispatch({ kind: 'owner-ended', owner });
    };
    const watched = this.#processes.watch(owner, ended);
    this.#owners.set(key, { watched, lockIds: new Set([id]) });
  }

  unwatch(id: number): void {
    const key = this.#keyByLockId.get(id);
    this.#keyByLockId.delete(id);
    const known = key === undefined ? undefined : this.#owners.get(key);
    if (key === undefined || known === undefined) return;
    known.lockIds.delete(id);
    if (known.lockIds.size > 0) return;
    known.watched.close();
    this.#owners.delete(key);
  }

  close(): void {
    for (const { watched } of this.#owners.values()) watched.close();
    this.#owners.clear();
    this.#keyByLockId.clear();
  }
}
