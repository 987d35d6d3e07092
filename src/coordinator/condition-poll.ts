import { messageOf } from '../errors.js';
import type { Clock } from '../clock.js';
import type { LockManager } from '../dlm/index.js';
import { pause } from './backoff.js';
import type { CoreEvent } from './core/event.js';
import type { Log } from './modules.js';

/** Between two looks while all is well: dlm_controld tells changes to nobody. */
const CALM_POLL_MS = 5_000;
/** While something is under way, so that a recovery is noticed soon after it. */
const BUSY_POLL_MS = 200;
/** How long after a sign of change the quick pace is kept. */
const ALERT_MS = 10_000;

interface Modules {
  readonly lockManager: LockManager;
  readonly clock: Clock;
  readonly log: Log;
}

/** Asks again and again how the lockspace stands. */
export class ConditionPoll {
  readonly #lockspace: string;
  readonly #modules: Modules;
  readonly #dispatch: (event: CoreEvent) => void;
  #alertUntilMs = 0;
  #nap = new AbortController();

  constructor(
    lockspace: string,
    modules: Modules,
    dispatch: (event: CoreEvent) => void,
  ) {
    this.#lockspace = lockspace;
    this.#modules = modules;
    this.#dispatch = dispatch;
  }

  async run(signal: AbortSignal, isCalm: () => boolean): Promise<void> {
    const { clock } = this.#modules;
    signal.addEventListener('abort', () => this.#nap.abort(), { once: true });
    while (!signal.aborted) {
      this.#nap = new AbortController();
      const askedMs = clock.monotonic();
      await this.#ask(askedMs);
      const quick = !isCalm() || clock.monotonic() < this.#alertUntilMs;
      const delayMs = quick ? BUSY_POLL_MS : CALM_POLL_MS;
      if (!signal.aborted) await pause(clock, delayMs, this.#nap.signal);
    }
  }

  /** Something happened in the cluster: look at once, and often for a while. */
  hurry(): void {
    this.#alertUntilMs = this.#modules.clock.monotonic() + ALERT_MS;
    this.#nap.abort();
  }

  async #ask(askedMs: number): Promise<void> {
    try {
      const condition = await this.#modules.lockManager.lockspaceState(this.#lockspace);
      this.#dispatch({ kind: 'lockspace-condition', condition, askedMs });
    } catch (error) {
      const reason = `how the lockspace stands cannot be found out (${messageOf(error)})`;
      this.#dispatch({
        kind: 'lockspace-condition',
        condition: { kind: 'abandoned', reason },
        askedMs,
      });
    }
  }
}
