import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { ProcessWatch, Watched } from '../process-watch/port.js';
import type { CoreEvent } from './core/event.js';
import { ownerKey, type Owner } from './core/owner.js';

/** How long after a watch could not be had, for want of descriptors say, it is tried again. */
const RETRY_MS = 2_000;

type ProcessOwner = Extract<Owner, { kind: 'process' }>;

interface WatchedOwner {
  /** The watch, or the timer for the next attempt to get one. */
  watched: Watched;
  readonly lockIds: Set<number>;
}

/**
 * Watches the processes that own locks, one watch a process: a process with many locks would
 * otherwise cost as many pidfds, and its end as many events that each look at every lock.
 */
export class OwnerWatch {
  readonly #processes: ProcessWatch;
  readonly #clock: Clock;
  readonly #dispatch: (event: CoreEvent) => void;
  readonly #owners = new Map<string, WatchedOwner>();
  readonly #keyByLockId = new Map<number, string>();

  constructor(
    processes: ProcessWatch,
    clock: Clock,
    dispatch: (event: CoreEvent) => void,
  ) {
    this.#processes = processes;
    this.#clock = clock;
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
    this.#owners.set(key, { watched: { close: () => undefined }, lockIds: new Set([id]) });
    this.#begin(key, owner);
  }

  /** Gets a watch, or says that there is none yet and tries again: its end must not be missed. */
  #begin(key: string, owner: ProcessOwner, isRetry = false): void {
    const known = this.#owners.get(key);
    if (known === undefined) return;
    // Forgotten before it is told: a lock that comes too late needs a watch that fires again.
    const ended = (): void => {
      this.#owners.get(key)?.watched.close();
      this.#owners.delete(key);
      this.#dispatch({ kind: 'owner-ended', owner });
    };
    const topic = `owner ${key}`;
    try {
      known.watched = this.#processes.watch(owner, ended);
      if (isRetry) this.#dispatch({ kind: 'warning', topic, text: null });
    } catch (error) {
      const timer = this.#clock.setTimer(RETRY_MS, () => this.#begin(key, owner, true));
      known.watched = {
        close: () => {
          timer.cancel();
          this.#dispatch({ kind: 'warning', topic, text: null });
        },
      };
      const what = `process ${owner.pid}, which owns locks, cannot be watched yet`;
      this.#dispatch({ kind: 'warning', topic, text: `${what}: ${messageOf(error)}` });
    }
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
