import { CS_ERR_BAD_HANDLE, CS_ERR_TRY_AGAIN, CS_OK } from '../native/corotypes.js';
import { EVENTS_PER_TURN_MAX } from './limits.js';

/**
 * Dispatches one event after the other until there is none, or the bound is reached. Returns
 * CS_OK, or the status that ended the connection.
 *
 * BAD_HANDLE is no such status: cmap_dispatch returns it for an event of a tracker that has been
 * deleted meanwhile, after it has taken the event. Our own handle is never finalized before.
 */
export function takeEvents(dispatch: () => number): number {
  for (let taken = 0; taken < EVENTS_PER_TURN_MAX; taken += 1) {
    const status = dispatch();
    if (status === CS_ERR_TRY_AGAIN) return CS_OK;
    if (status !== CS_OK && status !== CS_ERR_BAD_HANDLE) return status;
  }
  return CS_OK;
}
