/**
 * The constants of cmap.h that we use, by their C names. What is exported here is checked against
 * the installed header, so nothing else may be exported.
 */

/** Longest and shortest name of a key, in bytes. */
export const CMAP_KEYNAME_MAXLEN = 255;
export const CMAP_KEYNAME_MINLEN = 3;

export const CMAP_TRACK_DELETE = 1;
export const CMAP_TRACK_MODIFY = 2;
export const CMAP_TRACK_ADD = 4;
/** All keys that begin so. */
export const CMAP_TRACK_PREFIX = 8;

export const CMAP_VALUETYPE_INT8 = 1;
export const CMAP_VALUETYPE_UINT8 = 2;
export const CMAP_VALUETYPE_INT16 = 3;
export const CMAP_VALUETYPE_UINT16 = 4;
export const CMAP_VALUETYPE_INT32 = 5;
export const CMAP_VALUETYPE_UINT32 = 6;
export const CMAP_VALUETYPE_INT64 = 7;
export const CMAP_VALUETYPE_UINT64 = 8;
export const CMAP_VALUETYPE_FLOAT = 9;
export const CMAP_VALUETYPE_DOUBLE = 10;
/** Its length counts the zero at its end. */
export const CMAP_VALUETYPE_STRING = 11;
export const CMAP_VALUETYPE_BINARY = 12;

/** Configuration and runtime state. */
export const CMAP_MAP_ICMAP = 0;
/** Statistics, made up when they are asked for. */
export const CMAP_MAP_STATS = 1;
