import { declareFunctions, registerCallback } from '../native/declare.js';
import { libraryLoader, type Koffi } from '../native/koffi.js';
import { Lane } from '../native/lane.js';
import { nativeMemory } from '../native/memory.js';
import { startPoll } from '../native/poll.js';
import { QuorumError } from './error.js';
import { QUORUM_INTERFACE, QUORUM_TYPES } from './interface.js';
import type { NativeCallbacks, QuorumCalls, QuorumLibrary } from './library.js';

/**
 * Loads libquorum, once per process; nothing is loaded by importing this file.
 *
 * Rejects with QuorumError `LIBRARY_MISSING`, after which a later call tries again.
 * @see quorum_overview(3)
 */
export const loadQuorumLibrary: () => Promise<QuorumLibrary> = libraryLoader(
  {
    file: 'libquorum.so.5',
    debianPackage: 'libquorum5',
    missing: (text, cause) =>
      new QuorumError('LIBRARY_MISSING', 'loadQuorumLibrary', text, { cause }),
  },
  (koffi, library) => ({
    ...declareFunctions<QuorumCalls>(koffi, library, QUORUM_INTERFACE.functions),
    ...nativeMemory(koffi),
    lane: new Lane(),
    register: (callbacks) => registerCallbacks(koffi, callbacks),
    poll: (fd, readable) => startPoll(koffi, fd, readable),
  }),
);

/** Makes C function pointers of the callbacks; needs no libquorum. */
export function registerCallbacks(
  koffi: Koffi, callbacks: NativeCallbacks,
): ReturnType<QuorumLibrary['register']> {
  const quorumNotify = registerCallback(koffi, QUORUM_TYPES.quorumNotify, callbacks.quorumNotify);
  const nodelistNotify = registerCallback(
    koffi, QUORUM_TYPES.nodelistNotify, callbacks.nodelistNotify,
  );
  return {
    quorumNotify,
    nodelistNotify,
    release() {
      for (const callback of [quorumNotify, nodelistNotify]) koffi.unregister(callback);
    },
  };
}
