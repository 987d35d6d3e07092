import { ECHO_WATCH_LIMITS, type EchoWatchLimits } from './echo-watch.js';
import { OUTBOX_LIMITS, type OutboxLimits } from './outbox.js';

/** Bounds of one group over one connection. */
export interface GroupLimits {
  readonly outbox: OutboxLimits;
  readonly echoWatch: EchoWatchLimits;
  /**
   * How long one turn of the event loop may be spent on dispatching, in ms. Being preempted once
   * by another process adds several, and costs no throughput when the budget is small.
   */
  readonly dispatchBudgetMs: number;
  /** How many dispatches in a row may bring no event before the turn ends. */
  readonly emptyDispatchesMax: number;
  /** How long a join or a leave may take until its view arrives, in ms. */
  readonly changeMsMax: number;
  /** Pause before asking again after TRY_AGAIN, in ms. */
  readonly changeRetryDelayMs: number;
}

export const GROUP_LIMITS: GroupLimits = {
  outbox: OUTBOX_LIMITS,
  echoWatch: ECHO_WATCH_LIMITS,
  dispatchBudgetMs: 2,
  emptyDispatchesMax: 256,
  changeMsMax: 30_000,
  changeRetryDelayMs: 20,
};
