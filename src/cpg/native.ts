import type { LibraryHandle } from 'koffi';
import { declareFunctions, registerCallback, typeOf } from '../native/declare.js';
import { libraryLoader, type Koffi } from '../native/koffi.js';
import { Lane } from '../native/lane.js';
import { nativeMemory } from '../native/memory.js';
import { startPoll } from '../native/poll.js';
import type { CallbackReader } from './callbacks.js';
import { CPG_MEMBERS_MAX } from './constants.js';
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
  return {
    ...calls,
    ...callbackReader(koffi),
    lane: new Lane(),
    multicast: stagedMulticast(koffi, library, calls),
    register: (callbacks) => registerCallbacks(koffi, callbacks),
    poll: (fd, readable) => startPoll(koffi, fd, readable),
  };
}

/** Reads what libcpg hands to callbacks; needs no libcpg, and trusts no count that it says. */
export function callbackReader(koffi: Koffi): CallbackReader {
  const memory = nativeMemory(koffi);
  return {
    decodeNodeIds: (from, count) => memory.decodeNodeIds(from, count),
    window: new DispatchWindow(koffi, memory),
    decodeAddresses(from, count) {
      if (from === null || count === 0) return [];
      if (count > CPG_MEMBERS_MAX) {
        const text = `a list of ${count} members; libcpg has room for ${CPG_MEMBERS_MAX}`;
        throw new CpgError('MESSAGE_ERROR', 'cpg_dispatch', text);
      }
      const type = typeOf(koffi, CPG_TYPES.cpgAddress);
      return koffi.decode(from, type, count) as NativeAddressEntry[];
    },
  };
}

/** Makes C function pointers of the callbacks; needs no libcpg either. */
export function registerCallbacks(koffi: Koffi, callbacks: NativeCallbacks): ReturnType<CpgLibrary['register']> {
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
