import type { Clock } from '../clock.js';
import { CS_ERR_TRY_AGAIN, CS_OK } from '../native/corotypes.js';
import type { CpgError } from './error.js';
import { notAsked, timedOut } from './group-errors.js';
import type { GroupLimits } from './group-limits.js';
import { settling, type Settling } from './settling.js';
import { errorOf } from './status.js';

/**
 * A join or a leave under way: corosync is asked until it does not say TRY_AGAIN, and then the view
 * is awaited that shows it, all within `changeMsMax`. For one request.
 */
export class MembershipChange {
  readonly #operation: 'cpg_join' | 'cpg_leave';
  readonly #clock: Clock;
  readonly #retryDelayMs: number;
  readonly #done: Settling;
  #refused = false;

  constructor(
    operation: 'cpg_join' | 'cpg_leave', clock: Clock,
    { changeMsMax, changeRetryDelayMs }: GroupLimits,
  ) {
    this.#operation = operation;
    this.#clock = clock;
    this.#retryDelayMs = changeRetryDelayMs;
    this.#done = settling(clock, changeMsMax, () => timedOut(operation));
  }

  /** True when corosync said no, or was not even asked: nothing has changed, and nothing will. */
  get refused(): boolean {
    return this.#refused;
  }

  /** `call` gives a cs_error_t. Resolves once confirmed; rejects with CpgError. */
  async request(call: () => Promise<number>): Promise<void> {
    await Promise.all([this.#done.promise, this.#ask(call)]);
  }

  /** The view has come. */
  confirm(): void {
    this.#done.resolve();
  }

  /** The connection has ended meanwhile. */
  end(cause: CpgError): void {
    this.#done.reject(cause);
  }

  async #ask(call: () => Promise<number>): Promise<void> {
    try {
      for (let status = await call(); status !== CS_OK; status = await call()) {
        if (this.#done.settled()) return;
        if (status !== CS_ERR_TRY_AGAIN) return this.#refuse(errorOf(this.#operation, status));
        await this.#pause();
        if (this.#done.settled()) return;
      }
    } catch (thrown) {
      this.#refuse(notAsked(this.#operation, thrown));
    }
  }

  #refuse(cause: CpgError): void {
    if (this.#done.settled()) return;
    this.#refused = true;
    this.#done.reject(cause);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimer(this.#retryDelayMs, resolve);
    });
  }
}
