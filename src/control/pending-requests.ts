import type { ServerResponse } from 'node:http';
import { CoordinatorError } from '../coordinator/error.js';
import type { ControlCounters } from './counters.js';
import { REQUESTS_WAITING_MAX } from './limits.js';

/** Acquires and releases that are under way, within a bound. */
export class PendingRequests {
  readonly #counters: ControlCounters;
  /** With what aborts them. One signal for all would have to be combined for each request. */
  readonly #pending = new Map<Promise<unknown>, AbortController>();
  #stopping = false;

  constructor(counters: ControlCounters) {
    this.#counters = counters;
  }

  /**
   * Runs one request. Its signal is aborted when the caller hangs up before the answer, or when
   * the server stops.
   *
   * @throws {CoordinatorError} LIMIT, STOPPING, or what `work` throws
   */
  async run<T>(response: ServerResponse, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#pending.size >= REQUESTS_WAITING_MAX) {
      this.#counters.requestsRefused += 1;
      throw new CoordinatorError('LIMIT',
        `${REQUESTS_WAITING_MAX} requests are waiting already; try again later.`,
        { retryable: true });
    }
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    response.once('close', onClose);
    if (this.#stopping) gone.abort();
    const running = this.#start(gone.signal, work);
    this.#pending.set(running, gone);
    try {
      return await running;
    } finally {
      this.#pending.delete(running);
      response.off('close', onClose);
    }
  }

  async #start<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await work(signal);
    } catch (error) {
      throw this.#stopping && isCanceled(error) ? stopping(error) : error;
    }
  }

  /** Cancels what waits, and resolves when all have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const running = [...this.#pending.keys()];
    for (const gone of this.#pending.values()) gone.abort();
    await Promise.allSettled(running);
  }
}

function isCanceled(error: unknown): boolean {
  return error instanceof CoordinatorError && error.code === 'CANCELED';
}

function stopping(cause: unknown): CoordinatorError {
  return new CoordinatorError('STOPPING',
    'The daemon stops, so nothing was acquired; try again when it runs.',
    { retryable: true, cause });
}
