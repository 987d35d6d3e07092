import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../clock.js';
import { WATCH_BUFFER_BYTES_MAX, WATCH_FAREWELL_MS, WATCH_KEEPALIVE_MS } from './limits.js';
import type { CoordinatorEvent, WatchEnd } from './schema.js';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  connection: 'close',
} as const;

/**
 * One client that watches, as a stream of server-sent events.
 *
 * What it has not read yet is kept up to a bound; beyond it the client is told `too-slow` and
 * dismissed, since a stream with a hole would lie about who holds what.
 */
export class Watcher {
  /** Resolves when the client is gone, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #timer: Timer;
  #dismissed = false;

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    this.#timer = this.#keepAliveLater();
    this.closed = new Promise((resolve) => {
      response.once('close', () => {
        this.#dismissed = true;
        this.#timer.cancel();
        resolve();
      });
    });
    response.writeHead(200, HEADERS);
    response.write(': watching\n\n');
  }

  /** False when the client does not keep up and was dismissed for it. */
  send(event: CoordinatorEvent): boolean {
    if (this.#dismissed) {
      return true;
    }
    const frame = toFrame(event.type, event);
    if (this.#response.writableLength + Buffer.byteLength(frame) > WATCH_BUFFER_BYTES_MAX) {
      this.dismiss({
        reason: 'too-slow',
        message: `More than ${WATCH_BUFFER_BYTES_MAX} bytes of events were not read in time. ` +
          'Watch again, and then read the locks afresh.',
      });
      return false;
    }
    this.#response.write(frame);
    return true;
  }

  /** Says why, and hangs up when that is read or has waited long enough. */
  dismiss(end: WatchEnd): void {
    if (this.#dismissed) {
      return;
    }
    this.#dismissed = true;
    this.#timer.cancel();
    this.#response.end(toFrame('end', end));
    this.#timer = this.#clock.setTimer(WATCH_FAREWELL_MS, () => this.#response.destroy());
  }

  #keepAliveLater(): Timer {
    return this.#clock.setTimer(WATCH_KEEPALIVE_MS, () => {
      if (this.#response.writableLength === 0) {
        this.#response.write(': alive\n\n');
      }
      this.#timer = this.#keepAliveLater();
    });
  }
}

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
function toFrame(name: string, value: CoordinatorEvent | WatchEnd): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
