import type { LockMode } from '../../dlm/index.js';
import { canBeGranted, wouldDeadlock, type Queues } from './grant.js';
import {
  grantedMode, requestedMode, type EngineLock, type LockEvent, type LockFlags,
} from './lock.js';
import { areCompatible, LOCK_MODES, rankOf } from './mode.js';
import {
  exchangeValue, leavesDoubt, leaveValue, NO_VALUE, recoverValue, takeRead, type ResourceValue,
} from './value.js';

/**
 * One resource and its queues. Pure: every operation answers with the events that it caused, in
 * order. The caller keeps names, ids and owners.
 */
export class Resource {
  readonly queues: Queues = { granted: [], converting: [], waiting: [] };
  /** The node that decides; only what is left of the value after its death depends on it. */
  masterNodeId: number;
  value: ResourceValue = NO_VALUE;

  constructor(masterNodeId: number) {
    this.masterNodeId = masterNodeId;
  }

  get isUnused(): boolean {
    const { granted, converting, waiting } = this.queues;
    return granted.length + converting.length + waiting.length === 0;
  }

  /** A new request by a lock that is on no queue yet. A refused one stays on none. */
  request(lock: EngineLock, to: LockMode): LockEvent[] {
    const { flags } = lock;
    const mode = this.#grantable(lock, to, { convert: false, arriving: true });
    if (mode !== null) {
      this.queues.granted.push(lock);
      return [this.#settle(lock, mode)];
    }
    if (flags.noQueue === true) return this.#refuse(lock, to);
    lock.status = { kind: 'waiting', to };
    enqueue(this.queues.waiting, lock, flags);
    return this.#noticesFor(lock, to);
  }

  /** Converts a granted lock; its flags are replaced, also when the convert is refused. */
  convert(lock: EngineLock, to: LockMode, flags: LockFlags): LockEvent[] {
    if (lock.status.kind !== 'granted') throw new Error('only a granted lock can be converted');
    lock.flags = flags;
    lock.demoted = false;
    const mode = this.#grantable(lock, to, { convert: true, arriving: true });
    if (mode !== null) return [this.#settle(lock, mode), ...this.serve()];
    if (flags.noQueue === true) return this.#refuse(lock, to);
    const events: LockEvent[] = [];
    if (wouldDeadlock(this.queues, lock, to)) {
      if (flags.demote === true) {
        events.push(...this.#demote(lock));
        // Others may be grantable now, and then this one.
        events.push(...this.#serveConverting());
        if (canBeGranted(this.queues, { lock, to, convert: true, flags, arriving: true })) {
          return [...events, this.#settle(lock, to), ...this.serve()];
        }
      } else if (flags.ignoreDeadlock !== true) {
        return [{ kind: 'completed', lock, how: 'deadlock' }];
      }
    }
    remove(this.queues.granted, lock);
    lock.status = { kind: 'converting', mode: lock.status.mode, to };
    enqueue(this.queues.converting, lock, flags);
    return [...events, ...this.#noticesFor(lock, to)];
  }

  /** Takes back a queued request or convert; nothing happens when it has been granted already. */
  cancel(lock: EngineLock, how: 'canceled' | 'deadlock' = 'canceled'): LockEvent[] {
    if (lock.status.kind === 'granted') return [];
    if (lock.status.kind === 'converting') {
      remove(this.queues.converting, lock);
      lock.status = { kind: 'granted', mode: lock.status.mode };
      this.queues.granted.push(lock);
    } else {
      remove(this.queues.waiting, lock);
    }
    return [{ kind: 'completed', lock, how }, ...this.serve()];
  }

  /** Takes the lock off whatever queue it is on, and may invalidate the value block. */
  unlock(lock: EngineLock, value: 'invalidate' | null = null): LockEvent[] {
    this.value = leaveValue(this.value, lock, value);
    this.drop(lock);
    return [{ kind: 'completed', lock, how: 'unlocked' }, ...this.serve()];
  }

  /** Nodes have died and their locks are gone: the value is in doubt, or the master a new one. */
  recover(dropped: readonly EngineLock[], isGone: (nodeId: number) => boolean): void {
    const left = [...this.queues.granted, ...this.queues.converting, ...this.queues.waiting];
    const next = left[0];
    if (next !== undefined && isGone(this.masterNodeId)) {
      this.masterNodeId = next.nodeId;
      this.value = recoverValue([...this.queues.granted, ...this.queues.converting]);
    } else if (dropped.some(leavesDoubt)) {
      this.value = { ...this.value, invalid: true };
    }
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
        const mode = this.#grantable(lock, to, { convert: true, arriving: false });
        if (mode !== null) {
          remove(this.queues.converting, lock);
          this.queues.granted.push(lock);
          events.push(this.#settle(lock, mode));
        } else if (wouldDeadlock(this.queues, lock, to)) {
          events.push(...this.#resolvePending(lock, to));
        }
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
      const mode = this.#grantable(lock, to, { convert: false, arriving: false });
      if (mode === null) continue;
      remove(this.queues.waiting, lock);
      this.queues.granted.push(lock);
      events.push(this.#settle(lock, mode));
    }
    return events;
  }

  /** The mode in which it can be granted now; null when it cannot. */
  #grantable(
    lock: EngineLock, to: LockMode,
    when: { readonly convert: boolean; readonly arriving: boolean },
  ): LockMode | null {
    const { flags } = lock;
    if (canBeGranted(this.queues, { lock, to, flags, ...when })) return to;
    const deadlock = when.convert && flags.noQueue !== true
      && wouldDeadlock(this.queues, lock, to);
    if (deadlock) return null;
    const alternative = flags.alternative?.find((mode) => mode !== to);
    const fits = alternative !== undefined
      && canBeGranted(this.queues, { lock, to: alternative, flags, ...when });
    return fits ? alternative : null;
  }

  /** A convert that waits already has become part of a deadlock. */
  #resolvePending(lock: EngineLock, to: LockMode): LockEvent[] {
    if (lock.flags.demote === true && grantedMode(lock) !== 'NL') return this.#demote(lock);
    if (lock.flags.ignoreDeadlock === true && lock.notifiedRank < rankOf(to)) {
      lock.notifiedRank = rankOf(to);
      return [{ kind: 'blocking', lock, mode: to }];
    }
    return [];
  }

  /** The granted mode is given up for NL; whoever that helps is served by the caller. */
  #demote(lock: EngineLock): LockEvent[] {
    const { status } = lock;
    if (status.kind !== 'waiting') lock.status = { ...status, mode: 'NL' };
    lock.demoted = true;
    return [];
  }

  #refuse(lock: EngineLock, to: LockMode): LockEvent[] {
    const notices = lock.flags.noticeRefused === true ? this.#noticesFor(lock, to) : [];
    return [{ kind: 'completed', lock, how: 'would-block' }, ...notices];
  }

  #settle(lock: EngineLock, mode: LockMode): LockEvent {
    this.value = exchangeValue(this.value, lock, grantedMode(lock), mode);
    const { demoted } = lock;
    lock.status = { kind: 'granted', mode };
    lock.notifiedRank = 0;
    lock.demoted = false;
    return {
      kind: 'completed', lock, how: 'granted', grant: { mode, value: takeRead(lock), demoted },
    };
  }

  #noticesFor(newcomer: EngineLock, to: LockMode): LockEvent[] {
    return this.queues.granted
      .filter((lock) => lock !== newcomer)
      .flatMap((lock) => notice(lock, to, rankOf(to)));
  }
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
