import type { Clock, Timer } from '../../src/clock.js';

const EPOCH_MS = Date.UTC(2030, 0, 1);

interface Entry {
  readonly atMs: number;
  readonly callback: () => void;
  canceled: boolean;
}

/**
 * Time and order of a simulation: what is due runs one callback at a time, when it is told to,
 * and time goes on only when nothing is due.
 */
export class SimClock implements Clock {
  #nowMs = 0;
  #due: Entry[] = [];
  readonly #later: Entry[] = [];

  now(): number {
    return EPOCH_MS + this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), callback, canceled: false };
    if (delayMs <= 0) this.#due.push(entry);
    else this.#insert(entry);
    return { cancel: () => (entry.canceled = true) };
  }

  /** How many callbacks are due, cancelled ones among them. */
  get dueCount(): number {
    return this.#due.length;
  }

  /** Runs the due callback of that place; false when that one was cancelled. */
  run(place: number): boolean {
    const [entry] = this.#due.splice(place, 1);
    if (entry === undefined || entry.canceled) return false;
    entry.callback();
    return true;
  }

  /** When the next timer fires, in monotonic ms; infinite without one. */
  get nextMs(): number {
    while (this.#later[0]?.canceled === true) this.#later.shift();
    return this.#later[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Lets time go on to then: what was to fire by then is due. */
  goTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
    while (this.nextMs <= this.#nowMs) {
      const entry = this.#later.shift();
      if (entry !== undefined) this.#due.push(entry);
    }
  }

  #insert(entry: Entry): void {
    let at = this.#later.length;
    while (at > 0 && (this.#later[at - 1]?.atMs ?? 0) > entry.atMs) at -= 1;
    this.#later.splice(at, 0, entry);
  }
}
