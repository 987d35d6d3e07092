import type { Clock } from '../clock.js';
import type { LockManager } from '../dlm/index.js';
import { isoTime } from './core/iso-time.js';
import type { FencingHint } from './core/view.js';
import type { FencingReport } from './service.js';

/** The newest are kept: a hint is read soon or never. */
export const FENCING_HINTS_MAX = 16;
/** How long dlm_controld may take to say what it makes of a hint. */
const VERIFY_MS_MAX = 3_000;

interface Modules {
  readonly lockManager: LockManager;
  readonly clock: Clock;
}

/**
 * Hearsay of fencing. It proves nothing and changes nothing by itself: dlm_controld is asked what
 * it makes of it, and only what dlm_controld and the kernel say frees a lock.
 */
export class FencingHints {
  readonly #modules: Modules;
  #hints: readonly FencingHint[] = [];

  constructor(modules: Modules) {
    this.#modules = modules;
  }

  /** Oldest first. */
  get all(): readonly FencingHint[] {
    return this.#hints;
  }

  /**
   * Keeps the hint, and resolves with it when dlm_controld has said how it stands to that node, or
   * has not said anything in time. Never rejects.
   *
   * @param nodeId the victim's, where its name is known; null otherwise
   */
  async add(report: FencingReport, nodeId: number | null): Promise<FencingHint> {
    const at = isoTime(this.#modules.clock.now());
    const hint: FencingHint = { ...report, at, nodeId, controller: await this.#verify(nodeId) };
    this.#hints = [...this.#hints, hint].slice(-FENCING_HINTS_MAX);
    return hint;
  }

  #verify(nodeId: number | null): Promise<FencingHint['controller']> {
    if (nodeId === null) return Promise.resolve('unknown');
    const { clock, lockManager } = this.#modules;
    return new Promise((resolve) => {
      const timer = clock.setTimer(VERIFY_MS_MAX, () => resolve('unknown'));
      const settle = (answer: FencingHint['controller']): void => {
        timer.cancel();
        resolve(answer);
      };
      lockManager.clusterView().then(
        ({ nodes }) => settle(nodes.find((node) => node.nodeId === nodeId)?.fencing ?? 'unknown'),
        () => settle('unknown'),
      );
    });
  }
}
