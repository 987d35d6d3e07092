import { systemClock } from '../clock.js';
import { CpgGroup } from './group.js';
import { connectCpg } from './native-connection.js';
import { loadCpgLibrary } from './native.js';
import type { OpenCpg } from './port.js';

/**
 * Opens a group on this node's corosync.
 *
 * Rejects with CpgError `LIBRARY_MISSING`; `LIBRARY` (corosync is not running) and `TRY_AGAIN`
 * (it starts), both retryable; `ACCESS` (no entry in uidgid.d). Waits for as long as corosync is
 * stopped by a signal, without holding the event loop.
 * @see cpg_model_initialize(3)
 */
export const openCpg: OpenCpg = async () => {
  const connection = await connectCpg(await loadCpgLibrary());
  return new CpgGroup({ connection, clock: systemClock, pid: process.pid });
};
