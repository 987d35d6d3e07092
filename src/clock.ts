/** A timer that was armed; cancelling it twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The port for time. The real side is the machine's clock; simulations run on a fake one, so no
 * code outside this file's implementations may call `Date.now` or `setTimeout` for behaviour.
 */
export interface Clock {
  /** Wall-clock time in ms since the epoch. It may jump; use it only to tell people when. */
  now(): number;
  /** Time in ms from an arbitrary start; never goes back. Use it for time-outs and durations. */
  monotonic(): number;
  /**
   * Runs `callback` once, when `monotonic()` has advanced by `delayMs` ms or more, never before
   * the current turn has ended.
   */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/**
 * The machine's own clock. Its timers keep the process alive until they fire or are cancelled.
 *
 * Node counts in whole ms and may fire most of one early, by `monotonic()`; a timer that does is
 * armed again for the rest.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, callback) {
    const dueMs = performance.now() + delayMs;
    const fire = (): void => {
      const leftMs = dueMs - performance.now();
      if (leftMs > 0) timeout = setTimeout(fire, leftMs);
      else callback();
    };
    let timeout = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};
