import type { Clock, Timer } from '../../../src/clock.js';

interface Armed {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time that passes only when the test says so. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #armed: Armed[] = [];

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const armed = { atMs: this.#nowMs + delayMs, callback };
    this.#armed.push(armed);
    return {
      cancel: () => {
        this.#armed = this.#armed.filter((other) => other !== armed);
      },
    };
  }

  /** How many timers wait. */
  get armed(): number {
    return this.#armed.length;
  }

  /** Lets time pass and fires what is due, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#armed
        .filter(({ atMs }) => atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#armed = this.#armed.filter((other) => other !== next);
      this.#nowMs = next.atMs;
      next.callback();
    }
    this.#nowMs = endMs;
  }

  /** Lets time pass without firing anything, as work on the loop does. */
  spend(ms: number): void {
    this.#nowMs += ms;
  }
}
