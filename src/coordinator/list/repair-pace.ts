import type { Clock, Timer } from '../../clock.js';

/** After a failed write or sync the file is rewritten this often until that succeeds. */
export const REPAIR_DELAY_MS = 5_000;

/**
 * When a file that failed is written anew: at once, but not more often than every
 * REPAIR_DELAY_MS, since a rewrite of the whole list is work for a disk that is sick already.
 */
export class RepairPace {
  readonly #clock: Clock;
  readonly #repair: () => void;
  /** When one was last begun, monotonic ms. */
  #begunMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #ended = false;

  constructor(clock: Clock, repair: () => void) {
    this.#clock = clock;
    this.#repair = repair;
  }

  /** One begins now. */
  begin(): void {
    this.#begunMs = this.#clock.monotonic();
  }

  /** One is needed. */
  plan(): void {
    if (this.#ended || this.#timer !== null) return;
    const delayMs = this.#begunMs + REPAIR_DELAY_MS - this.#clock.monotonic();
    if (delayMs <= 0) {
      this.#repair();
      return;
    }
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = null;
      this.#repair();
    });
  }

  /** None is needed any more. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** None is to be begun any more. */
  end(): void {
    this.#ended = true;
    this.cancel();
  }
}
