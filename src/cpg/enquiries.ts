import { CpgError } from './error.js';

/** How many questions may wait for the one under way. */
export const ENQUIRIES_WAITING_MAX = 16;

/**
 * The questions of one group, one after the other: each may block a thread of libuv's four for as
 * long as corosync is stopped. `end` answers all that are left, also one that still blocks.
 */
export class Enquiries {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #rejects = new Set<(cause: CpgError) => void>();

  /** Rejects with what `run` rejects with, `QUEUE_FULL`, or the cause given to `end`. */
  ask<Answer>(operation: string, run: () => Promise<Answer>): Promise<Answer> {
    if (this.#waiting > ENQUIRIES_WAITING_MAX) {
      const text =
        `${operation}: ${ENQUIRIES_WAITING_MAX} questions wait for corosync already; ` +
        'wait for their answers, then ask again';
      return Promise.reject(new CpgError('QUEUE_FULL', operation, text, { retryable: true }));
    }
    this.#waiting += 1;
    return new Promise<Answer>((resolve, reject) => {
      this.#rejects.add(reject);
      const done = (): void => {
        this.#waiting -= 1;
        this.#rejects.delete(reject);
      };
      // Not asked any more when the group has ended by its turn.
      const turn = this.#last.then(() => (this.#rejects.has(reject) ? run() : null));
      this.#last = turn.then(done, done);
      turn.then((answer) => {
        if (answer !== null) resolve(answer);
      }, reject);
    });
  }

  end(cause: CpgError): void {
    for (const reject of this.#rejects) reject(cause);
    this.#rejects.clear();
  }
}
