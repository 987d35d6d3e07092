import { HoldfastError, type ErrorFacts } from '../errors.js';
import type { LockView } from './core/view.js';

/**
 * Why the coordinator refuses a request.
 *
 * - `HELD`: an incompatible lock exists; `holders` says whose. `TIMEOUT`: it was not granted in
 *   time; `holders` likewise. `CANCELED`: the caller went away or cancelled;
 *   a grant may have been on its way, so the owner asks again or releases to be sure.
 * - `DEADLOCK`: a convert would wait for somebody who waits for the mode that it would give up.
 * - `NOT_HELD`: nothing to release or convert. `NOT_OWNER`: held, but by another owner.
 * - `BUSY`: this owner's lock on that resource is just being taken, converted or released.
 * - `STARTING`, `NO_QUORUM`, `RECOVERING`, `ISOLATED`: the node's standing forbids it.
 * - `LIST_FAILED`: the lock list cannot be written. `LOCKS_HELD`: a stop was refused.
 * - `BAD_NAME`: a resource or owner name breaks the rule that the message states.
 * - `OWNER_GONE`: the owning process does not exist. `LIMIT`: a named bound was reached.
 * - `LOCK_MANAGER`: the lock manager failed; the message says how. `STOPPING`.
 * - `HANDOVER`: the lock is being handed over. `NOT_OFFERED`: nobody hands it over to this node.
 *   `NOT_JOINED`: the other node has nothing of it yet. `NO_SUCH_NODE`: nobody to hand it over to.
 * - `MODE_RESERVED`: CR and CW are for handovers; see docs/decisions/0012.
 * - `UNSAFE`: the daemon refuses to run as things are configured.
 */
export type CoordinatorErrorCode =
  | 'HELD' | 'TIMEOUT' | 'CANCELED' | 'DEADLOCK' | 'NOT_HELD' | 'NOT_OWNER' | 'BUSY'
  | 'STARTING' | 'NO_QUORUM' | 'RECOVERING' | 'ISOLATED'
  | 'LIST_FAILED' | 'LOCKS_HELD' | 'BAD_NAME' | 'OWNER_GONE' | 'LIMIT'
  | 'LOCK_MANAGER' | 'STOPPING' | 'UNSAFE'
  | 'HANDOVER' | 'NOT_OFFERED' | 'NOT_JOINED' | 'NO_SUCH_NODE' | 'MODE_RESERVED';

export class CoordinatorError extends HoldfastError {
  readonly code: CoordinatorErrorCode;
  /** Who is in the way, as far as this node knows; empty when nobody or not known. */
  readonly holders: readonly LockView[];

  constructor(
    code: CoordinatorErrorCode,
    message: string,
    facts: ErrorFacts & { readonly holders?: readonly LockView[] } = {},
  ) {
    super(message, facts);
    this.code = code;
    this.holders = facts.holders ?? [];
  }
}
