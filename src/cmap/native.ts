import { declareFunctions, registerCallback } from '../native/declare.js';
import { libraryLoader } from '../native/koffi.js';
import { Lane } from '../native/lane.js';
import { nativeMemory } from '../native/memory.js';
import { startPoll } from '../native/poll.js';
import { CmapError } from './error.js';
import { CMAP_INTERFACE, CMAP_TYPES } from './interface.js';
import type { CmapCalls, CmapLibrary } from './library.js';

/**
 * Loads libcmap, once per process; nothing is loaded by importing this file.
 *
 * Rejects with CmapError `LIBRARY_MISSING`, after which a later call tries again.
 * @see cmap_overview(3)
 */
export const loadCmapLibrary: () => Promise<CmapLibrary> = libraryLoader(
  {
    file: 'libcmap.so.4',
    debianPackage: 'libcmap4',
    missing: (text, cause) =>
      new CmapError('LIBRARY_MISSING', 'loadCmapLibrary', text, { cause }),
  },
  (koffi, library) => ({
    ...declareFunctions<CmapCalls>(koffi, library, CMAP_INTERFACE.functions),
    ...nativeMemory(koffi),
    lane: new Lane(),
    register(notify) {
      const registered = registerCallback(koffi, CMAP_TYPES.notify, notify);
      return { notify: registered, release: () => koffi.unregister(registered) };
    },
    poll: (fd, readable) => startPoll(koffi, fd, readable),
  }),
);
