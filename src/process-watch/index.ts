import { systemClock, type Clock } from '../clock.js';
import { loadPidfdCalls } from './native.js';
import { PidfdWatch } from './pidfd-watch.js';
import type { ProcessWatch } from './port.js';

export { ProcessWatchError, type ProcessWatchErrorCode } from './error.js';
export type { ProcessIdentity, ProcessWatch, Watched } from './port.js';

/**
 * The real process watch: pidfd_open(2), polled by the event loop. Loads native code, so only
 * the composition root calls it. Rejects with ProcessWatchError `LIBRARY_MISSING`.
 */
export async function openProcessWatch(clock: Clock = systemClock): Promise<ProcessWatch> {
  return new PidfdWatch(await loadPidfdCalls(), clock);
}
