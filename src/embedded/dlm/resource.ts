import type { LockMode } from '../../dlm/index.js';
import { canBeGranted, wouldDeadlock, type Queues } from './grant.js';
import {
  requestedMode, type EngineLock, type LockEvent, type LockFlags,
} from './lock.js';
import { areCompatible, LOCK_MODES, rankOf } from './mode.js';

/**
 * One resource and its queues. Pure: every operation answers with the events that it caused, in
 * order. The caller keeps names, ids and owners.
 */
export class Resource {
  readonly queues: Queues = { granted: [], converting: [], waiting: [] };

  get isUnused(): boolean {
    const { granted, converting, waiting } = this.queues;
    return granted.length + converting.length + waiting.length === 0;
  }

  /** A new request by a lock that is on no queue yet. A refused one stays on none. */
  request(lock: EngineLock, to: LockMode): LockEvent[] {
    const { flags } = lock;
    if (canBeGranted(this.queues, { lock, to, convert: false, flags, arriving: true })) {
      this.queues.granted.push(lock);
      return [settle(lock, to)];
    }
    if (flags.noQueue === true) return [{ kind: 'completed', lock, how: 'would-block' }];
    lock.status = { kind: 'waiting', to };
    enqueue(this.queues.waiting, lock, flags);
    return this.#noticesFor(lock, to);
  }

  /** Converts a granted lock; its flags are replaced, also when the convert is refused. */
  convert(lock: EngineLock, to: LockMode, flags: LockFlags): LockEvent[] {
    if (lock.status.kind !== 'granted') throw new Error('only a granted lock can be converted');
    const from = lock.status.mode;
    lock.flags = flags;
    if (canBeGranted(this.queues, { lock, to, convert: true, flags, arriving: true })) {
      return [settle(lock, to), ...this.serve()];
    }
    if (flags.noQueue === true) return [{ kind: 'completed', lock, how: 'would-block' }];
    if (flags.ignoreDeadlock !== true && wouldDeadlock(this.queues, lock, to)) {
      return [{ kind: 'completed', lock, how: 'deadlock' }];
    }
    remove(this.queues.granted, lock);
    lock.status = { kind: 'converting', mode: from, to };
    enqueue(this.queues.converting, lock, flags);
    return this.#noticesFor(lock, to);
  }

  /** Takes back a queued request or convert; nothing happens when it has been granted already. */
  cancel(lock: EngineLock): LockEvent[] {
    if (lock.status.kind === 'granted') return [];
    if (lock.status.kind === 'converting') {
      remove(this.queues.converting, lock);
      lock.status = { kind: 'granted', mode: lock.status.mode };
      this.queues.granted.push(lock);
    } else {
      remove(this.queues.waiting, lock);
    }
    return [{ kind: 'completed', lock, how: 'canceled' }, ...this.serve()];
  }

  /** Takes the lock off whatever queue it is on. */
  unlock(lock: EngineLock): LockEvent[] {
    this.drop(lock);
    return [{ kind: 'completed', lock, how: 'unlocked' }, ...this.serve()];
  }

  /** Removes a dead node's lock without a word and without serving the others yet. */
  drop(lock: EngineLock): void {
    remove(this.queues.granted, lock);
    remove(this.queues.converting, lock);
    remove(this.queues.waiting, lock);
  }

  /** Grants what can be granted, converts first, and tells holders what still waits for them. */
  serve(): LockEvent[] {
    const events = [...this.#serveConverting(), ...this.#serveWaiting()];
    const queued = [...this.queues.converting, ...this.queues.waiting]
      .map(requestedMode).filter((mode) => mode !== null);
    const strongest = LOCK_MODES[Math.max(-1, ...queued.map(rankOf))];
    if (strongest === undefined) return events;
    for (const lock of this.queues.granted) {
      if (lock.status.kind !== 'granted') continue;
      // CW and PR exclude each other without being ordered, so a waiting CW needs its own look.
      const mode = lock.status.mode === 'PR' && strongest === 'PR' && queued.includes('CW')
        ? 'CW' : strongest;
      events.push(...notice(lock, mode, rankOf(strongest)));
    }
    return events;
  }

  #serveConverting(): LockEvent[] {
    const events: LockEvent[] = [];
    // Each pass grants at least one lock or is the last.
    for (let pass = this.queues.converting.length; pass >= 0; pass -= 1) {
      const before = events.length;
      for (const lock of [...this.queues.converting]) {
        const to = requestedMode(lock);
        if (to === null) continue;
        if (!this.#isServable(lock, to, true)) continue;
        remove(this.queues.converting, lock);
        this.queues.granted.push(lock);
        events.push(settle(lock, to));
      }
      if (events.length === before) break;
    }
    return events;
  }

  #serveWaiting(): LockEvent[] {
    const events: LockEvent[] = [];
    for (const lock of [...this.queues.waiting]) {
      const to = requestedMode(lock);
      if (to === null) continue;
      if (!this.#isServable(lock, to, false)) continue;
      remove(this.queues.waiting, lock);
      this.queues.granted.push(lock);
      events.push(settle(lock, to));
    }
    return events;
  }

  #isServable(lock: EngineLock, to: LockMode, convert: boolean): boolean {
    const { flags } = lock;
    return canBeGranted(this.queues, { lock, to, convert, flags, arriving: false });
  }

  #noticesFor(newcomer: EngineLock, to: LockMode): LockEvent[] {
    return this.queues.granted
      .filter((lock) => lock !== newcomer)
      .flatMap((lock) => notice(lock, to, rankOf(to)));
  }
}

function settle(lock: EngineLock, mode: LockMode): LockEvent {
  lock.status = { kind: 'granted', mode };
  lock.notifiedRank = 0;
  return { kind: 'completed', lock, how: 'granted' };
}

function notice(lock: EngineLock, mode: LockMode, rank: number): LockEvent[] {
  if (lock.status.kind !== 'granted' || lock.notifiedRank >= rank) return [];
  if (areCompatible(lock.status.mode, mode)) return [];
  lock.notifiedRank = rank;
  return [{ kind: 'blocking', lock, mode }];
}

function enqueue(queue: EngineLock[], lock: EngineLock, flags: LockFlags): void {
  if (flags.headOfQueue === true) queue.unshift(lock);
  else queue.push(lock);
}

function remove(queue: EngineLock[], lock: EngineLock): void {
  const index = queue.indexOf(lock);
  if (index >= 0) queue.splice(index, 1);
}
