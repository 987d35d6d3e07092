import { CMAP_MAP_ICMAP, CMAP_MAP_STATS } from './constants.js';
import { CorosyncMap } from './corosync-map.js';
import { CmapError } from './error.js';
import { connectCmap } from './native-connection.js';
import { loadCmapLibrary } from './native.js';
import type { OpenCmap } from './port.js';

/**
 * Opens a connection to the configuration map of this node's corosync.
 *
 * Rejects with CmapError `LIBRARY_MISSING`; `LIBRARY` (corosync is not running) and `TRY_AGAIN`
 * (it starts), both retryable; `ACCESS` (no entry in uidgid.d). Waits for as long as corosync is
 * stopped by a signal, without holding the event loop.
 * @see cmap_initialize_map(3)
 */
export const openCmap: OpenCmap = async (options) => {
  // Callers without types may give null.
  const number = MAPS.get(options?.map ?? 'config');
  if (number === undefined) {
    const text = 'openCmap: the map must be config or stats';
    throw new CmapError('INVALID_PARAM', 'openCmap', text);
  }
  return new CorosyncMap(await connectCmap(await loadCmapLibrary(), number));
};

const MAPS: ReadonlyMap<string, number> = new Map([
  ['config', CMAP_MAP_ICMAP], ['stats', CMAP_MAP_STATS],
]);
