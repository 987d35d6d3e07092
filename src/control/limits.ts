/** A resource's clear name, in bytes of UTF-8. */
export const RESOURCE_BYTES_MAX = 1024;
export const OWNER_NAME_BYTES_MAX = 256;
export const REASON_BYTES_MAX = 256;
/** Of a node's name and of a fencing operation's in a hint. */
export const HINT_BYTES_MAX = 255;
/** The largest pid that Linux gives out. */
export const PID_MAX = 4_194_304;
/** The longest bounded wait, 24.8 days: timers overflow beyond it. */
export const WAIT_MS_MAX = 2_147_483_647;

/** Locks of one node, and so the most orphans that a request may expect. */
export const OWN_LOCKS_MAX = 100_000;

/** A node's name, in characters. */
export const NODE_NAME_LENGTH_MAX = 255;
/** How long an offer of a handover stands unless that is said, and at most. */
export const OFFER_MS = 60_000;
export const OFFER_MS_MAX = 3_600_000;
/** How long a step of a handover is waited for unless that is said. */
export const HANDOVER_WAIT_MS = 30_000;

/** Resources that one request may take together. */
export const SET_MEMBERS_MAX = 64;

/** Of a request; the largest sensible one has a few kB. */
export const REQUEST_BODY_BYTES_MAX = 16_384;
/** Of one that names a set: 64 names of 1,024 bytes, each of which JSON may double. */
export const SET_BODY_BYTES_MAX = 196_608;
export const REQUEST_HEADER_BYTES_MAX = 8_192;
/** How long a client may take to send its request. */
export const REQUEST_RECEIVE_MS_MAX = 10_000;
/** Connections beyond it are closed at once. */
export const CONNECTIONS_MAX = 512;
/** Acquires and releases under way; fewer than connections, so that `status` still gets in. */
export const REQUESTS_WAITING_MAX = 256;
export const WATCHERS_MAX = 64;

/** What may lie unsent for one watching client before it is given up. */
export const WATCH_BUFFER_BYTES_MAX = 262_144;
/** A sign of life on a quiet stream. */
export const WATCH_KEEPALIVE_MS = 15_000;
/** How long a watcher that is being dismissed may take to read the reason. */
export const WATCH_FAREWELL_MS = 3_000;

/** How long a client waits for an answer that needs no lock to be granted. */
export const REPLY_MS_MAX = 10_000;
/** A release may have to wait for the lock manager. */
export const RELEASE_REPLY_MS_MAX = 60_000;
/** Larger than any list of locks that a cluster can have. */
export const REPLY_BYTES_MAX = 134_217_728;
/** One event of a stream; longer ones are no events of ours. */
export const EVENT_BYTES_MAX = 65_536;

/** How often a start tries anew when others change the socket's path under it. */
export const SOCKET_CLAIMS_MAX = 5;
/** How long the daemon that answers on a socket may take to accept. */
export const SOCKET_PROBE_MS_MAX = 2_000;
/** sun_path has room for 108 bytes with the closing zero. */
export const SOCKET_PATH_BYTES_MAX = 90;

/** How long answers that are under way may take to leave when the server closes. */
export const FAREWELL_MS_MAX = 1_000;
