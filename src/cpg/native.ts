import type { LibraryHandle } from 'koffi';
import { declareFunctions, registerCallback, typeOf } from '../native/declare.js';
import { libraryLoader, type Koffi } from '../native/koffi.js';
import { nativeMemory } from '../native/memory.js';
import { startPoll } from '../native/poll.js';
import { DispatchWindow } from './dispatch-window.js';
import { CpgError } from './error.js';
import { CPG_INTERFACE, CPG_TYPES } from './interface.js';
import type {
  CpgCalls, CpgLibrary, NativeAddressEntry, NativeCallbacks,
} from './library.js';
import { stagedMulticast } from './multicast.js';

/**
 * Loads libcpg, once per process; nothing is loaded by importing this file.
 *
 * Rejects with CpgError `LIBRARY_MISSING`, after which a later call tries again.
 * @see cpg_overview(3)
 */
export const loadCpgLibrary: () => Promise<CpgLibrary> = libraryLoader(
  {
    file: 'libcpg.so.4',
    debianPackage: 'libcpg4',
    missing: (text, cause) =>
      new CpgError('LIBRARY_MISSING', 'loadCpgLibrary', text, { cause }),
  },
  declare,
);

function declare(koffi: Koffi, library: LibraryHandle): CpgLibrary {
  const calls = declareFunctions<CpgCalls>(koffi, library, CPG_INTERFACE.functions);
  const memory = nativeMemory(koffi);
  return {
    ...calls,
    decodeNodeIds: (from, count) => memory.decodeNodeIds(from, count),
    multicast: stagedMulticast(koffi, library, calls),
    window: new DispatchWindow(koffi, memory),
    register: (callbacks) => register(koffi, callbacks),
    decodeAddresses: (from, count) =>
      from === null || count === 0
        ? []
        : (koffi.decode(from, typeOf(koffi, CPG_TYPES.cpgAddress), count) as NativeAddressEntry[]),
    poll: (fd, readable) => startPoll(koffi, fd, readable),
  };
}

function register(koffi: Koffi, callbacks: NativeCallbacks): ReturnType<CpgLibrary['register']> {
  const deliver = registerCallback(koffi, CPG_TYPES.deliver, callbacks.deliver);
  const confchg = registerCallback(koffi, CPG_TYPES.confchg, callbacks.confchg);
  const totemConfchg = registerCallback(koffi, CPG_TYPES.totemConfchg, callbacks.totemConfchg);
  return {
    deliver,
    confchg,
    totemConfchg,
    release() {
      for (const callback of [deliver, confchg, totemConfchg]) koffi.unregister(callback);
    },
  };
}
