import type { EventEmitter } from 'eventemitter3';
import type { QuorumError } from './error.js';

/** The quorum service's ring id; the same ring as CPG's, announced on its own connection. */
export interface QuorumRingId {
  readonly nodeId: number;
  readonly seq: bigint;
}

export interface QuorumState {
  readonly quorate: boolean;
  readonly ring: QuorumRingId;
  /** Node ids in the quorum membership, ascending. */
  readonly nodeIds: readonly number[];
}

export interface NodeListChange {
  readonly ring: QuorumRingId;
  readonly members: readonly number[];
  readonly joined: readonly number[];
  readonly left: readonly number[];
}

export interface QuorumEvents {
  /** Sent once after `start`, then at every change. */
  quorum: [state: QuorumState];
  /** A ring's node list with who joined and who left since the one before. */
  nodelist: [change: NodeListChange];
  /** The connection is gone and closed. Open a new one. */
  lost: [cause: QuorumError];
}

/**
 * The port to the quorum service. Real side: libquorum, model v1 (`openQuorum`). Embedded side:
 * the in-process cluster. Attach the listeners, then `start`.
 *
 * All methods reject with QuorumError; calls wait for as long as corosync is stopped by a signal.
 */
export interface Quorum extends EventEmitter<QuorumEvents> {
  /**
   * Starts tracking: the current state arrives as events (`nodelist` without joined and left, then
   * `quorum`), then every change. While it tracks already, nothing is asked.
   */
  start(): Promise<void>;
  /** Ends tracking: no change is told until the next `start`. Otherwise nothing happens. */
  stop(): Promise<void>;
  /**
   * Whether this node belongs to the quorate part of the cluster, now, tracking or not.
   * A node that was paused hears `true` until its corosync has noticed what it missed.
   */
  isQuorate(): Promise<boolean>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Opens a connection to the quorum service of this node. Rejects with QuorumError. */
export type OpenQuorum = () => Promise<Quorum>;
