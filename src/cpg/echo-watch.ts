import type { Clock, Timer } from '../clock.js';

export interface EchoWatchLimits {
  /** How long the oldest message may wait without any sign, in ms, before it is suspect. */
  readonly silenceMsMax: number;
  /** How long a suspect one may still wait, in ms: the loop itself may have been held. */
  readonly graceMs: number;
}

export const ECHO_WATCH_LIMITS: EchoWatchLimits = { silenceMsMax: 60_000, graceMs: 1_000 };

/**
 * Bounds how long a message can wait for its echo. When corosync loses all that was in flight (it
 * may, on a node that was paused), no later echo tells; without a bound those promises would stay
 * pending until somebody sent again.
 *
 * One timer while something waits, none otherwise. It calls `silent` once the same message has
 * been the oldest for all of `silenceMsMax`, and then for `graceMs` more in which the loop ran.
 */
export class EchoWatch {
  readonly #clock: Clock;
  readonly #limits: EchoWatchLimits;
  readonly #oldest: () => object | null;
  readonly #silent: () => void;
  #timer: Timer | null = null;

  constructor(
    modules: {
      readonly clock: Clock;
      /** The identity of what has waited longest, or null. */
      readonly oldest: () => object | null;
      readonly silent: () => void;
    },
    limits: EchoWatchLimits = ECHO_WATCH_LIMITS,
  ) {
    this.#clock = modules.clock;
    this.#oldest = modules.oldest;
    this.#silent = modules.silent;
    this.#limits = limits;
  }

  /** To be called when something may have begun to wait. */
  started(): void {
    if (this.#timer === null) this.#watch();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #watch(): void {
    const watched = this.#oldest();
    if (watched === null) return this.stop();
    this.#timer = this.#clock.setTimer(this.#limits.silenceMsMax, () => {
      if (this.#oldest() !== watched) return this.#watch();
      this.#timer = this.#clock.setTimer(this.#limits.graceMs, () => {
        if (this.#oldest() !== watched) return this.#watch();
        this.stop();
        this.#silent();
      });
    });
  }
}
