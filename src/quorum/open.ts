import { connectQuorum } from './native-connection.js';
import { loadQuorumLibrary } from './native.js';
import type { OpenQuorum } from './port.js';
import { QuorumTracker } from './tracker.js';

/**
 * Opens a connection to the quorum service of this node's corosync.
 *
 * Rejects with QuorumError `LIBRARY_MISSING`; `LIBRARY` (corosync is not running) and `TRY_AGAIN`
 * (it starts), both retryable; `ACCESS` (no entry in uidgid.d). Waits for as long as corosync is
 * stopped by a signal, without holding the event loop.
 * @see quorum_model_initialize(3)
 */
export const openQuorum: OpenQuorum = async () =>
  new QuorumTracker(await connectQuorum(await loadQuorumLibrary()));
