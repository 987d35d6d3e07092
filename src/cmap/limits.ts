/** Largest value that corosync stores, in bytes, a string's final zero included. @see icmap.c */
export const VALUE_BYTES_MAX = 16 << 10;
/** Keys that one `keys` or `entries` returns at most, unless the caller says otherwise. */
export const KEYS_MAX = 10_000;
/** Trackers of one connection at a time. */
export const TRACKERS_MAX = 256;
/** Events that are taken from corosync before another turn or call has its chance. */
export const EVENTS_PER_TURN_MAX = 64;
