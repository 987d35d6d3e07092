import type { Clock } from '../clock.js';
import type { LockManager } from '../dlm/index.js';
import { pause } from './backoff.js';
import type { CoreEvent } from './core/event.js';
import { askFencing } from './evidence.js';

/** How often, while a node is down. A question costs three short-lived processes. */
const ASK_MS = 2_000;

interface Modules {
  readonly lockManager: LockManager;
  readonly clock: Clock;
}

/**
 * Asks dlm_controld what it does about nodes that are down, so that `status` and `nodes` can say
 * what their locks wait for. It sleeps while no node is.
 */
export class FencingPoll {
  readonly #modules: Modules;
  readonly #dispatch: (event: CoreEvent) => void;
  readonly #isNeeded: () => boolean;
  #isAsking = false;

  constructor(
    modules: Modules,
    dispatch: (event: CoreEvent) => void,
    isNeeded: () => boolean,
  ) {
    this.#modules = modules;
    this.#dispatch = dispatch;
    this.#isNeeded = isNeeded;
  }

  /** Something happened: begins to ask if a node is down by now. One run at a time. */
  wake(signal: AbortSignal): void {
    if (this.#isAsking || signal.aborted || !this.#isNeeded()) return;
    this.#isAsking = true;
    void this.#run(signal).finally(() => {
      this.#isAsking = false;
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#isNeeded()) {
      this.#dispatch({ kind: 'fencing', facts: await askFencing(this.#modules) });
      await pause(this.#modules.clock, ASK_MS, signal);
    }
    if (!signal.aborted) this.#dispatch({ kind: 'fencing', facts: null });
  }
}
