/** Every bound of the core, in one place; ARCHITECTURE.md lists them with their reasons. */

/** Locks of this node, waiting ones included: keeps list, manifest and memory bounded. */
export const OWN_LOCKS_MAX = 100_000;

/** Entries of one peer's manifest; twice what a node takes, since it may have found more. */
export const PEER_ENTRIES_MAX = 2 * OWN_LOCKS_MAX;

/** Callers that wait for one lock of one owner. */
export const CALLERS_PER_LOCK_MAX = 64;

/** Resources of one set: taken one after the other, so a long one holds others up for long. */
export const SET_MEMBERS_MAX = 64;

/** Sets that are being taken or rolled back at one time. */
export const SETS_MAX = 1_024;

/** Peers remembered, dead ones included. CPG itself allows 128 members. */
export const PEERS_MAX = 256;

/** Changes in one delta; beyond it a whole snapshot is cheaper to reason about. */
export const DELTA_ENTRIES_MAX = 256;

/** Parts of a snapshot that is being put together; with 512 KiB each that is half a GiB. */
export const SNAPSHOT_PARTS_MAX = 1024;

/** How often a node tells its manifest's digest, so that a missed change is found. */
export const DIGEST_INTERVAL_MS = 10_000;

/** How long an unanswered manifest request is left alone before it is repeated. */
export const REQUEST_RETRY_MS = 2_000;

/**
 * How long after its time-out a caller is kept while the kernel decides between cancel and
 * grant; after that it gets TIMEOUT and a grant is given back.
 */
export const CANCEL_GRACE_MS = 2_000;

/**
 * How long somebody who would not wait is kept while the kernel, a generation or a new child is
 * waited for; then it is told TIMEOUT, and a grant that comes all the same is given back. Longer
 * than a disk may take for a generation (RESERVE_STALL_MS), whose failure says more.
 */
export const NO_WAIT_MS_MAX = 15_000;

/** How long a refusal waits for the manifest that names the holder. */
export const EXPLAIN_GRACE_MS = 500;

/** Senders whose garbage was logged; beyond it garbage is only counted. */
export const SENDERS_COMPLAINED_MAX = 256;

/**
 * How long a member of the group may say nothing before nobody waits for it: it is complained of
 * and, when the quorum service does not know its node either, taken for a ghost.
 */
export const BARRIER_MS = 3_000;

/** How long our manifest is held back for the check of our own locks after a gap. */
export const RECHECK_HOLD_MS = 3_000;

/** Readings of the kernel's table in a row that must miss a lock before it is called lost. */
export const RECHECK_READS = 3;

/** Between two such readings: time for the other locks to move on. */
export const RECHECK_PAUSE_MS = 200;

/** How long a reading may take before the check is given up. */
export const RECHECK_READ_MS_MAX = 5_000;

/** How long an offer stands that nobody joins, unless its owner says otherwise, and at most. */
export const OFFER_MS = 60_000;
export const OFFER_MS_MAX = 3_600_000;

/** How long after a convert to EX that the kernel refused a handover tries it again. */
export const HANDOVER_RETRY_MS = 2_000;

/** The same, when nothing but hope speaks for it: the other end's daemon is away. */
export const HANDOVER_BLIND_RETRY_MS = 30_000;

/** Callers that wait for a step of a handover. */
export const HANDOVER_CALLERS_MAX = 256;
