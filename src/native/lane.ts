/** One more call waits in a lane already than it holds. */
export const LANE_WAITING_MAX = 4_096;

/**
 * Runs the calls into one C library one after the other, whichever thread they run on.
 *
 * corosync's libraries keep their handles in one table for the whole process and do not lock it
 * (qb_hdb_handle_create reserves a slot long after it has chosen it), and a handle has one
 * request channel: two calls at once may take each other's slot or answer. So a library has one
 * lane, and while corosync is stopped by a signal it holds one thread of libuv's pool, not all.
 */
export class Lane {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** True when no further call may be added; calls that end something go in all the same. */
  get full(): boolean {
    return this.#waiting >= LANE_WAITING_MAX;
  }

  /** Runs the call when all earlier ones have settled; settles as the call does. */
  run<Result>(call: () => Result | Promise<Result>): Promise<Result> {
    this.#waiting += 1;
    const outcome = this.#tail.then(call).finally(() => {
      this.#waiting -= 1;
    });
    // A failure is the caller's; the next call runs regardless.
    this.#tail = outcome.catch(() => undefined);
    return outcome;
  }
}
