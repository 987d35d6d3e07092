import type { Clock, Timer } from '../../clock.js';

/** At most this much later than its write is a record synced, unless the disk is slower. */
export const SYNC_DELAY_MS = 1_000;

/**
 * Syncs what was written, in groups, one sync at a time: each that hangs takes one of the few
 * threads that file operations have, and the writes need one, too.
 */
export class BackgroundSync {
  readonly #clock: Clock;
  /** Must not reject. */
  readonly #sync: () => Promise<void>;
  #timer: Timer | null = null;
  #isSyncing = false;
  #ended = false;

  constructor(clock: Clock, sync: () => Promise<void>) {
    this.#clock = clock;
    this.#sync = sync;
  }

  /** Something was written. */
  arm(): void {
    if (this.#ended) return;
    this.#timer ??= this.#clock.setTimer(SYNC_DELAY_MS, () => {
      this.#timer = null;
      if (this.#isSyncing) this.arm();
      else void this.#begin();
    });
  }

  /** Begins none any more. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  async #begin(): Promise<void> {
    this.#isSyncing = true;
    await this.#sync();
    this.#isSyncing = false;
  }
}
