import { CMAP_KEYNAME_MAXLEN, CMAP_KEYNAME_MINLEN } from './constants.js';
import { CmapError } from './error.js';

/**
 * Refuses what cannot be the name of a key: 3 to 255 characters of `A-Z a-z 0-9 . _ - / :`.
 *
 * It keeps from libcmap what it does badly with: a name that is too long costs it a reference to
 * the handle in cmap_track_add and cmap_iter_init, so that finalize frees nothing, and whatever
 * follows a U+0000 would be cut off silently. Throws CmapError `NAME_TOO_LONG`, `INVALID_PARAM`.
 */
export function checkKey(operation: string, key: string): void {
  checkPrefix(operation, key);
  if (key.length >= CMAP_KEYNAME_MINLEN) return;
  const text = `${operation}: a key has ${CMAP_KEYNAME_MINLEN} characters or more, not "${key}"`;
  throw new CmapError('INVALID_PARAM', operation, text, { key });
}

/** As `checkKey`, for the beginning of a key; empty stands for all keys. */
export function checkPrefix(operation: string, prefix: string): void {
  if (typeof prefix !== 'string') {
    const text = `${operation}: the key is a ${typeof prefix}; give a string`;
    throw new CmapError('INVALID_PARAM', operation, text);
  }
  if (prefix.length > CMAP_KEYNAME_MAXLEN) {
    const text =
      `${operation}: the key has ${prefix.length} characters; at most ${CMAP_KEYNAME_MAXLEN} ` +
      'are allowed';
    throw new CmapError('NAME_TOO_LONG', operation, text);
  }
  if (!/^[A-Za-z0-9._\-/:]*$/.test(prefix)) {
    const text =
      `${operation}: ${JSON.stringify(prefix)} cannot be a key; only letters, digits and ` +
      '. _ - / : are allowed';
    throw new CmapError('INVALID_PARAM', operation, text, { key: prefix });
  }
}

/** Returns the bound if it is one: a whole number from 1 on. Else CmapError `INVALID_PARAM`. */
export function checkKeysMax(keysMax: number): number {
  if (Number.isInteger(keysMax) && keysMax >= 1) return keysMax;
  const text = 'keys: keysMax must be a whole number from 1 on';
  throw new CmapError('INVALID_PARAM', 'keys', text);
}
