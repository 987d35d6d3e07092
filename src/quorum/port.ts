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

/** The port to the quorum service. Real side: libquorum, model v1. */
export interface Quorum extends EventEmitter<QuorumEvents> {
  /** Starts tracking: the current state arrives as an event, then every change. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a connection to the quorum service of this node. Rejects with QuorumError. */
export type OpenQuorum = () => Promise<Quorum>;
