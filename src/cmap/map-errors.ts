import { CmapError } from './error.js';
import { errorOf } from './status.js';

/** Corosync died, or closed the connection; `status` says how it showed. */
export function lost(status: number): CmapError {
  const text =
    'the connection to corosync is gone (corosync died, or dropped this client); ' +
    'open a new one once corosync runs';
  return new CmapError('LOST', 'cmap_dispatch', text, {
    status, retryable: true, cause: errorOf('cmap_dispatch', status),
  });
}

/** A callback could not read what corosync said. */
export function broken(cause: unknown): CmapError {
  const text = 'an event of corosync could not be read; open a new connection';
  return new CmapError('LOST', 'cmap_dispatch', text, { cause, retryable: true });
}

/** The key holds something else than the caller needs. */
export function wrongType(key: string, actual: string, wanted: string): CmapError {
  const text = `getAs: ${key} is of type ${actual}, not ${wanted}`;
  return new CmapError('WRONG_TYPE', 'getAs', text, { key });
}

/** The listing has a bound, so that a broken map cannot fill the memory. */
export function tooManyKeys(prefix: string, keysMax: number): CmapError {
  const text =
    `keys: more than ${keysMax} keys begin with "${prefix}"; give a longer prefix or a larger ` +
    'keysMax';
  return new CmapError('TOO_MANY', 'keys', text, { key: prefix });
}

/** Every tracker costs corosync a comparison at every change. */
export function tooManyTrackers(trackersMax: number): CmapError {
  const text = `track: this connection has ${trackersMax} trackers already; stop some of them`;
  return new CmapError('TOO_MANY', 'track', text);
}
