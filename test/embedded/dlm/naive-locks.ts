import type { LockMode } from '../../../src/dlm/index.js';

const INCOMPATIBLE = new Set([
  'CR EX', 'CW PR', 'CW PW', 'CW EX', 'PR PW', 'PR EX', 'PW PW', 'PW EX', 'EX EX',
]);

export function areNaivelyCompatible(a: LockMode, b: LockMode): boolean {
  return !INCOMPATIBLE.has(`${a} ${b}`) && !INCOMPATIBLE.has(`${b} ${a}`);
}

export interface NaiveLock {
  readonly key: number;
  granted: LockMode | null;
  requested: LockMode | null;
  /** When it began to wait. */
  since: number;
}

/**
 * The lock rules of one resource without queues: a flat set, asked "who may be granted next?"
 * until nobody may. Slow and obvious, to check the engine by.
 */
export class NaiveLocks {
  readonly locks: NaiveLock[] = [];
  #time = 0;

  request(key: number, mode: LockMode, noQueue: boolean): void {
    const lock = { key, granted: null, requested: mode, since: (this.#time += 1) };
    const others = this.locks.some(({ requested }) => requested !== null);
    if (!others && this.#fits(lock, mode)) {
      this.locks.push({ ...lock, granted: mode, requested: null });
    } else if (!noQueue) {
      this.locks.push(lock);
    }
  }

  convert(key: number, mode: LockMode, noQueue: boolean): void {
    const lock = this.#find(key);
    if (this.#fits(lock, mode)) {
      lock.granted = mode;
    } else if (!noQueue && !this.#blocksAConverter(lock)) {
      lock.requested = mode;
      lock.since = this.#time += 1;
    }
    this.#serve();
  }

  cancel(key: number): void {
    const lock = this.#find(key);
    if (lock.granted === null) this.#remove(lock);
    else lock.requested = null;
    this.#serve();
  }

  unlock(key: number): void {
    this.#remove(this.#find(key));
    this.#serve();
  }

  has(key: number): boolean {
    return this.locks.some((lock) => lock.key === key);
  }

  #serve(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      next.granted = next.requested;
      next.requested = null;
    }
  }

  /** The oldest convert, or without any the oldest new request, if it fits. */
  #next(): NaiveLock | undefined {
    const waiting = this.locks.filter(({ requested }) => requested !== null)
      .sort((a, b) => a.since - b.since);
    const first = waiting.find(({ granted }) => granted !== null) ?? waiting[0];
    if (first?.requested == null) return undefined;
    return this.#fits(first, first.requested) ? first : undefined;
  }

  #fits(lock: NaiveLock, mode: LockMode): boolean {
    return this.locks.every((other) => other.key === lock.key || other.granted === null
      || areNaivelyCompatible(other.granted, mode));
  }

  #blocksAConverter(lock: NaiveLock): boolean {
    return this.locks.some(({ key, granted, requested }) => key !== lock.key && granted !== null
      && requested !== null && lock.granted !== null
      && !areNaivelyCompatible(lock.granted, requested));
  }

  #find(key: number): NaiveLock {
    const lock = this.locks.find((candidate) => candidate.key === key);
    if (lock === undefined) throw new Error(`no lock ${key}`);
    return lock;
  }

  #remove(lock: NaiveLock): void {
    this.locks.splice(this.locks.indexOf(lock), 1);
  }
}
