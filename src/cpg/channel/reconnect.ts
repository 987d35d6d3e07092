import type { Clock, Timer } from '../../clock.js';
import type { CpgError } from '../error.js';

export interface ReconnectModules {
  readonly clock: Clock;
  /**
   * Connects, and stays as long as the connection lasts; resolves with why it ended, and whether
   * it ever stood. Never rejects.
   */
  readonly connect: () => Promise<Outcome>;
  /** Whether to try again. Called after each connection; it tells whoever wants to know. */
  readonly ended: (outcome: Outcome, delayMs: number) => boolean;
}

export interface Outcome {
  readonly cause: CpgError;
  readonly stood: boolean;
}

/**
 * Connects again and again, with pauses that grow from the shortest to the longest. A connection
 * that has lasted for longer than the longest pause begins them anew: one that is torn down at
 * once, each time, does not.
 */
export class Reconnect {
  readonly #modules: ReconnectModules;
  readonly #delayMsMin: number;
  readonly #delayMsMax: number;
  #isStopped = false;
  #wake: () => void = () => undefined;

  constructor(modules: ReconnectModules, delayMsMin: number, delayMsMax: number) {
    this.#modules = modules;
    this.#delayMsMin = delayMsMin;
    this.#delayMsMax = delayMsMax;
  }

  /** Resolves when it was stopped, or `ended` wanted no more. */
  async run(): Promise<void> {
    const { clock, connect, ended } = this.#modules;
    let delayMs = this.#delayMsMin;
    while (!this.#isStopped) {
      const begunMs = clock.monotonic();
      const outcome = await connect();
      const lastedMs = clock.monotonic() - begunMs;
      if (outcome.stood && lastedMs > this.#delayMsMax) delayMs = this.#delayMsMin;
      if (this.#isStopped || !ended(outcome, delayMs)) return;
      await this.#pause(delayMs);
      delayMs = Math.min(delayMs * 2, this.#delayMsMax);
    }
  }

  /** Ends a pause at once; a connection must be ended by its owner. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isStopped) return resolve();
      const timer: Timer = this.#modules.clock.setTimer(delayMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
