import type { Clock } from '../clock.js';

/** Reconnects begin quickly, since corosync is usually back at once, and end at a calm pace. */
export const RETRY_DELAY_MIN_MS = 200;
export const RETRY_DELAY_MAX_MS = 5_000;

/** Waits that grow from the shortest to the longest delay, and end early when told to. */
export class Backoff {
  readonly #clock: Clock;
  readonly #delayMaxMs: number;
  #delayMs = RETRY_DELAY_MIN_MS;

  constructor(clock: Clock, delayMaxMs = RETRY_DELAY_MAX_MS) {
    this.#clock = clock;
    this.#delayMaxMs = delayMaxMs;
  }

  /** Starts again with the shortest delay: the last attempt worked. */
  reset(): void {
    this.#delayMs = RETRY_DELAY_MIN_MS;
  }

  async wait(signal: AbortSignal): Promise<void> {
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, this.#delayMaxMs);
    await pause(this.#clock, delayMs, signal);
  }
}

/** Resolves after the delay, or as soon as the signal is aborted. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = clock.setTimer(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
