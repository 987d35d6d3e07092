const INTERVAL_MS = 5;

/** Measures from its making until `stop` how late the event loop runs its timers. */
export class LoopLag {
  #lastMs = performance.now();
  #lagMsMax = 0;
  readonly #timer = setInterval(() => this.#sample(), INTERVAL_MS);

  /** The longest time in which the loop ran no timer, in ms. */
  stop(): number {
    clearInterval(this.#timer);
    this.#sample();
    return this.#lagMsMax;
  }

  #sample(): void {
    const nowMs = performance.now();
    this.#lagMsMax = Math.max(this.#lagMsMax, nowMs - this.#lastMs - INTERVAL_MS);
    this.#lastMs = nowMs;
  }
}
