import type { KoffiFunc, LibraryHandle } from 'koffi';
import { libraryLoader, type Koffi } from '../native/koffi.js';
import { offThread } from '../native/off-thread.js';
import { SystemdError } from './error.js';
import type { SystemdCalls } from './notifier.js';

/**
 * Loads libsystemd; SystemdError `LIBRARY_MISSING`. `sd_notify` is called off the main thread: it
 * sends to a socket, which may be full.
 * @see sd-daemon.h
 */
export const loadSystemdCalls = libraryLoader<SystemdCalls>({
  file: 'libsystemd.so.0',
  debianPackage: 'libsystemd0',
  missing: (text, cause) => new SystemdError('LIBRARY_MISSING', text, { cause }),
}, declare);

function declare(koffi: Koffi, library: LibraryHandle): SystemdCalls {
  const notify = library.func('int sd_notify(int unset_environment, const char *state)') as
    KoffiFunc<(unset: number, state: string) => number>;
  const enabled = library.func(
    'int sd_watchdog_enabled(int unset_environment, _Out_ uint64_t *usec)',
  ) as KoffiFunc<(unset: number, usec: (number | bigint)[]) => number>;
  return {
    notify: (state) => offThread(notify, 0, state),
    watchdogUs: () => {
      const usec: (number | bigint)[] = [0];
      return enabled(0, usec) > 0 ? Number(usec[0]) : 0;
    },
  };
}
