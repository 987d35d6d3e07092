import type { ServerResponse } from 'node:http';
import { CoordinatorError } from '../coordinator/error.js';
import type { CoordinatorService } from '../coordinator/service.js';
import type { Clock } from '../clock.js';
import type { ControlCounters } from './counters.js';
import { WATCHERS_MAX } from './limits.js';
import type { ControlLog } from './log.js';
import { Watcher } from './watcher.js';

/** Every client that watches now. */
export class Watchers {
  readonly #service: CoordinatorService;
  readonly #clock: Clock;
  readonly #log: ControlLog;
  readonly #counters: ControlCounters;
  readonly #watchers = new Set<Watcher>();

  constructor(
    modules: {
      readonly service: CoordinatorService;
      readonly clock: Clock;
      readonly log: ControlLog;
    },
    counters: ControlCounters,
  ) {
    this.#service = modules.service;
    this.#clock = modules.clock;
    this.#log = modules.log;
    this.#counters = counters;
  }

  /** @throws {CoordinatorError} LIMIT, before anything was sent */
  assertRoom(): void {
    if (this.#watchers.size >= WATCHERS_MAX) {
      this.#counters.watchersRefused += 1;
      throw new CoordinatorError('LIMIT',
        `${WATCHERS_MAX} clients watch already, and that is the most there may be; end one.`,
        { retryable: true });
    }
  }

  /** Streams every event from now on to `response`. */
  add(response: ServerResponse): void {
    const watcher = new Watcher(response, this.#clock);
    this.#watchers.add(watcher);
    const unsubscribe = this.#service.subscribe((event) => {
      if (!watcher.send(event)) {
        this.#counters.watchersDropped += 1;
        this.#log.warn('a watching client did not keep up and was dismissed', {});
      }
    });
    void watcher.closed.then(() => {
      unsubscribe();
      this.#watchers.delete(watcher);
    });
  }

  /** Dismisses all, and resolves when the last is gone. */
  async dismissAll(): Promise<void> {
    const watchers = [...this.#watchers];
    for (const watcher of watchers) {
      watcher.dismiss({
        reason: 'stopping',
        message: 'The daemon stops. Watch again when it runs.',
      });
    }
    await Promise.all(watchers.map((watcher) => watcher.closed));
  }
}
