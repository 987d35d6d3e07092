import type { Clock } from '../clock.js';

/**
 * Delivers strictly in the order of posting, each letter in a turn of its own, whatever the
 * delays: a timer that comes due hands over the oldest letter, not the one that armed it.
 */
export class Mailbox {
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  #letters: (() => void)[] = [];
  #closed = false;

  constructor(clock: Clock, delayMs: () => number = () => 0) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  post(letter: () => void): void {
    if (this.#closed) return;
    this.#letters.push(letter);
    this.#clock.setTimer(this.#delayMs(), () => this.#letters.shift()?.());
  }

  /** Drops what has not been delivered, and everything posted from now on. */
  close(): void {
    this.#closed = true;
    this.#letters = [];
  }
}
