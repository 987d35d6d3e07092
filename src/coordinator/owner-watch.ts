import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { ProcessWatch, Watched } from '../process-watch/port.js';
import type { CoreEvent } from './core/event.js';
import { ownerKey, type Owner } from './core/owner.js';

/** How long after a watch could not be had, for want of descriptors say, it is tried again. */
const RETRY_MS = 2_000;
const TOPIC = 'owners';

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
  /** The owners that cannot be watched yet. */
  readonly #unwatched = new Set<string>();

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
  #begin(key: string, owner: ProcessOwner): void {
    const known = this.#owners.get(key);
    if (known === undefined) return;
    // Forgotten before it is told: a lock that comes too late needs a watch that fires again.
    const ended = (): void => {
      this.#owners.get(key)?.watched.close();
      this.#owners.delete(key);
      this.#dispatch({ kind: 'owner-ended', owner });
    };
    try {
      known.watched = this.#processes.watch(owner, ended);
      this.#setUnwatched(key, null);
    } catch (error) {
      const timer = this.#clock.setTimer(RETRY_MS, () => this.#begin(key, owner));
      known.watched = {
        close: () => {
          timer.cancel();
          this.#setUnwatched(key, null);
        },
      };
      this.#setUnwatched(key, `process ${owner.pid}: ${messageOf(error)}`);
    }
  }

  /** One warning for all of them: there may be thousands, all for the same reason. */
  #setUnwatched(key: string, why: string | null): void {
    if (why === null) {
      if (!this.#unwatched.delete(key) || this.#unwatched.size > 0) return;
      this.#dispatch({ kind: 'warning', topic: TOPIC, text: null });
      return;
    }
    this.#unwatched.add(key);
    const text =
      `${this.#unwatched.size} processes that own locks cannot be watched yet, which is tried ` +
      `again every ${RETRY_MS / 1000} s; their locks are kept meanwhile (${why})`;
    this.#dispatch({ kind: 'warning', topic: TOPIC, text });
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
