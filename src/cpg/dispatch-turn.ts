import type { Clock } from '../clock.js';
import { CS_ERR_TRY_AGAIN, CS_OK } from '../native/corotypes.js';
import type { CpgConnection, CpgEvent } from './connection.js';
import type { CpgError } from './error.js';
import { broken, lost } from './group-errors.js';
import type { GroupLimits } from './group-limits.js';

/**
 * Hands out events one by one, within the turn's budget. The poll is level-triggered: what is left
 * makes the descriptor readable again in the next turn.
 *
 * `handle` says whether more is wanted. The turn ends as well when a listener asks for a join or a
 * leave: from then on the handle belongs to another thread until corosync has answered. A piece of
 * a fragmented message is a dispatch that brings nothing, so only a row of those ends the turn.
 *
 * Returns why the connection is of no more use, or null. Does not throw.
 */
export function dispatchTurn(
  { connection, clock }: { readonly connection: CpgConnection; readonly clock: Clock },
  { dispatchBudgetMs, emptyDispatchesMax }: GroupLimits,
  handle: (event: CpgEvent) => boolean,
): CpgError | null {
  const endMs = clock.monotonic() + dispatchBudgetMs;
  let empty = 0;
  do {
    if (connection.busy) return null;
    const status = statusOf(connection);
    let event = connection.take();
    empty = event === undefined ? empty + 1 : 0;
    for (; event !== undefined; event = connection.take()) {
      if (!handle(event)) return null;
    }
    if (status === CS_ERR_TRY_AGAIN) return null;
    if (typeof status !== 'number') return broken(status.thrown);
    if (status !== CS_OK) return lost('cpg_dispatch', status);
  } while (empty < emptyDispatchesMax && clock.monotonic() < endMs);
  return null;
}

/** koffi may refuse the call; thrown out of the poll, it would end the watching silently. */
function statusOf(connection: CpgConnection): number | { readonly thrown: unknown } {
  try {
    return connection.dispatch();
  } catch (thrown) {
    return { thrown };
  }
}
