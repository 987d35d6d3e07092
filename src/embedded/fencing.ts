import type { Clock } from '../clock.js';

/**
 * The fencing device of an embedded cluster. A request takes `fencingMs`, unless answers for that
 * node are withheld: then it waits for `confirm`.
 */
export class Fencing {
  readonly #clock: Clock;
  readonly #fencingMs: number;
  readonly #done: (nodeId: number) => void;
  readonly #withheld = new Set<number>();
  readonly #pending = new Set<number>();

  constructor(clock: Clock, fencingMs: number, done: (nodeId: number) => void) {
    this.#clock = clock;
    this.#fencingMs = fencingMs;
    this.#done = done;
  }

  /** Nodes that were asked for and not confirmed yet, ascending. */
  get pending(): readonly number[] {
    return [...this.#pending].sort((a, b) => a - b);
  }

  request(nodeId: number): void {
    this.#pending.add(nodeId);
    this.#clock.setTimer(this.#fencingMs, () => {
      if (!this.#withheld.has(nodeId)) this.#finish(nodeId);
    });
  }

  /** Requests for this node, running ones too, get no answer until `confirm`. */
  withhold(nodeId: number): void {
    this.#withheld.add(nodeId);
  }

  /** Ends the withholding, and answers a request that is pending. */
  confirm(nodeId: number): void {
    this.#withheld.delete(nodeId);
    this.#finish(nodeId);
  }

  /** The node is known to be off or freshly booted: nothing is left to do. */
  settle(nodeId: number): void {
    this.#pending.delete(nodeId);
  }

  #finish(nodeId: number): void {
    if (this.#pending.delete(nodeId)) this.#done(nodeId);
  }
}
