import type { Clock, Timer } from '../../src/clock.js';

interface Armed {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** At most this many timers fire in one `advance`: more means that something re-arms for ever. */
const FIRES_MAX = 1_000_000;

/** A clock that stands still until it is told to go on. Timers of one instant fire as armed. */
export class FakeClock implements Clock {
  #epochMs: number;
  readonly #armed: Armed[] = [];
  #nowMs = 0;
  #order = 0;

  /** How far somebody has set the wall clock off; the monotonic one does not care. */
  jumpedMs = 0;

  constructor(epochMs = Date.UTC(2030, 0, 1)) {
    this.#epochMs = epochMs;
  }

  now(): number {
    return this.#epochMs + this.jumpedMs + this.#nowMs;
  }

  /** Sets the wall clock forth or, with a negative number, back; no timer notices. */
  jump(ms: number): void {
    this.#epochMs += ms;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    this.#order += 1;
    const armed = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, callback };
    this.#insert(armed);
    return {
      cancel: () => {
        const index = this.#armed.indexOf(armed);
        if (index >= 0) this.#armed.splice(index, 1);
      },
    };
  }

  get pending(): number {
    return this.#armed.length;
  }

  /**
   * Fires, in order, everything that comes due in the next `ms`, and lets promises settle after
   * each timer. Rejects with what a timer threw.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settlePromises();
    for (let fires = 0; (this.#armed[0]?.atMs ?? Infinity) <= endMs; fires += 1) {
      if (fires >= FIRES_MAX) throw new Error(`more than ${FIRES_MAX} timers in ${ms} ms`);
      const armed = this.#armed.shift();
      if (armed === undefined) break;
      this.#nowMs = armed.atMs;
      armed.callback();
      await settlePromises();
    }
    this.#nowMs = endMs;
  }

  #insert(armed: Armed): void {
    let low = 0;
    let high = this.#armed.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#armed[middle];
      if (other !== undefined && other.atMs <= armed.atMs) low = middle + 1;
      else high = middle;
    }
    this.#armed.splice(low, 0, armed);
  }
}

/** All microtasks run before an immediate does. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
