import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CoordinatorError } from '../coordinator/error.js';
import type { ControlCounters } from './counters.js';
import { REQUESTS_WAITING_MAX } from './limits.js';

interface Connection {
  /** Aborted when the connection ends while it waits for an answer. */
  readonly gone: AbortController;
  /** Requests of it that are under way. */
  waiting: number;
}

/** Acquires and releases that are under way, within a bound. */
export class PendingRequests {
  readonly #counters: ControlCounters;
  /** With what aborts them. One signal for all would have to be combined for each request. */
  readonly #pending = new Map<Promise<unknown>, AbortController>();
  /** One for each connection, and not for each request: a new one costs as much as its parsing. */
  readonly #connections = new WeakMap<Socket, Connection>();
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
    const connection = this.#connectionOf(response.req.socket);
    const { gone } = connection;
    connection.waiting += 1;
    if (this.#stopping || response.req.socket.destroyed) gone.abort();
    const running = this.#start(gone.signal, work);
    this.#pending.set(running, gone);
    try {
      return await running;
    } finally {
      this.#pending.delete(running);
      connection.waiting -= 1;
    }
  }

  #connectionOf(socket: Socket): Connection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const connection: Connection = { gone: new AbortController(), waiting: 0 };
    this.#connections.set(socket, connection);
    socket.once('close', () => {
      if (connection.waiting > 0) connection.gone.abort();
    });
    return connection;
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
