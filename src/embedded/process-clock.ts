import type { Clock, Timer } from '../clock.js';

interface Entry {
  readonly callback: () => void;
  timer: Timer | null;
}

/**
 * The clock of one embedded process. Everything that the process does in a later turn goes
 * through it, so that a killed process falls silent at once and a paused one stands still: its
 * timers that come due meanwhile fire, in order, when it goes on.
 */
export class ProcessClock implements Clock {
  readonly #base: Clock;
  readonly #armed = new Set<Entry>();
  #due: Entry[] = [];
  #state: 'running' | 'held' | 'ended' = 'running';

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now();
  }

  monotonic(): number {
    return this.#base.monotonic();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const entry: Entry = { callback, timer: null };
    if (this.#state === 'ended') return { cancel: () => undefined };
    this.#arm(entry, delayMs);
    return {
      cancel: () => {
        entry.timer?.cancel();
        this.#armed.delete(entry);
        this.#due = this.#due.filter((other) => other !== entry);
      },
    };
  }

  /** running -> held. */
  hold(): void {
    if (this.#state === 'running') this.#state = 'held';
  }

  /** held -> running; what came due fires in later turns. */
  release(): void {
    if (this.#state !== 'held') return;
    this.#state = 'running';
    const due = this.#due;
    this.#due = [];
    for (const entry of due) this.#arm(entry, 0);
  }

  /** any -> ended: no timer of this process fires any more. */
  end(): void {
    this.#state = 'ended';
    for (const entry of this.#armed) entry.timer?.cancel();
    this.#armed.clear();
    this.#due = [];
  }

  #arm(entry: Entry, delayMs: number): void {
    this.#armed.add(entry);
    entry.timer = this.#base.setTimer(delayMs, () => {
      this.#armed.delete(entry);
      if (this.#state === 'held') this.#due.push(entry);
      else if (this.#state === 'running') entry.callback();
    });
  }
}
