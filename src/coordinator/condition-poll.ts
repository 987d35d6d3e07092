import { messageOf } from '../errors.js';
import type { Clock } from '../clock.js';
import type { LockManager } from '../dlm/index.js';
import { pause } from './backoff.js';
import type { CoreEvent, LockspaceCondition } from './core/event.js';
import type { Log } from './modules.js';

/** Between two looks while all is well: dlm_controld tells changes to nobody. */
const CALM_POLL_MS = 5_000;
/** While something is under way, so that a recovery is noticed soon after it. */
const BUSY_POLL_MS = 200;
/** How long after a sign of change the quick pace is kept. */
const ALERT_MS = 10_000;
/** How long while a recovery is under way: it ends with fencing, and then every moment counts. */
const RECOVERY_ALERT_MS = 60_000;
/** After that. A look costs two short-lived processes; nobody waits a minute and minds a second. */
const LONG_RECOVERY_POLL_MS = 1_000;

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
  /** When something last happened, monotonic ms. */
  #changedMs: number;
  #kind: LockspaceCondition['kind'] | null = null;
  #nap = new AbortController();

  constructor(
    lockspace: string,
    modules: Modules,
    dispatch: (event: CoreEvent) => void,
  ) {
    this.#lockspace = lockspace;
    this.#modules = modules;
    this.#dispatch = dispatch;
    this.#changedMs = modules.clock.monotonic();
  }

  async run(signal: AbortSignal, isCalm: () => boolean): Promise<void> {
    const { clock } = this.#modules;
    signal.addEventListener('abort', () => this.#nap.abort(), { once: true });
    while (!signal.aborted) {
      this.#nap = new AbortController();
      const askedMs = clock.monotonic();
      await this.#ask(askedMs);
      if (!signal.aborted) await pause(clock, this.#delayMs(isCalm()), this.#nap.signal);
    }
  }

  /** Something happened in the cluster: look at once, and often for a while. */
  hurry(): void {
    this.#changedMs = this.#modules.clock.monotonic();
    this.#nap.abort();
  }

  /**
   * Quick after a sign of change. A lockspace that is absent or abandoned stays so until somebody
   * does something about it, so it is not asked after 5 times a second for days.
   */
  #delayMs(isCalm: boolean): number {
    const quietMs = this.#modules.clock.monotonic() - this.#changedMs;
    if (quietMs < ALERT_MS) return BUSY_POLL_MS;
    const isRecovery = !isCalm && (this.#kind === 'waiting' || this.#kind === 'running');
    if (!isRecovery) return CALM_POLL_MS;
    return quietMs < RECOVERY_ALERT_MS ? BUSY_POLL_MS : LONG_RECOVERY_POLL_MS;
  }

  #tell(condition: LockspaceCondition, askedMs: number): void {
    if (this.#kind !== null && this.#kind !== condition.kind) {
      this.#changedMs = this.#modules.clock.monotonic();
    }
    this.#kind = condition.kind;
    this.#dispatch({ kind: 'lockspace-condition', condition, askedMs });
  }

  async #ask(askedMs: number): Promise<void> {
    try {
      const condition = await this.#modules.lockManager.lockspaceState(this.#lockspace);
      this.#tell(condition, askedMs);
    } catch (error) {
      const reason = `how the lockspace stands cannot be found out (${messageOf(error)})`;
      this.#tell({ kind: 'abandoned', reason }, askedMs);
    }
  }
}
