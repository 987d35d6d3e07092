import type { Clock } from '../clock.js';

export interface NodeOptions {
  /** 1 to 2^32 - 1, unique. */
  readonly id: number;
  readonly name: string;
}

/** How long the parts of the cluster take, in ms. */
export interface EmbeddedTimings {
  /** From a node's silence to the ring without it (token + consensus on real ones). */
  readonly detectionMs: number;
  /** From a link or node that is back to the ring with it. */
  readonly ringMs: number;
  /** From a departure seen by a quorate side to the confirmed fencing. */
  readonly fencingMs: number;
  /** How long a lockspace stays stopped once fencing is confirmed, and when a node leaves it. */
  readonly recoveryMs: number;
  /** How long a node's join of a lockspace stops it. */
  readonly lockspaceJoinMs: number;
  /** From a multicast to its place in the ring's order. */
  readonly deliveryMs: number;
  /** Extra delay per delivery and member, at most; chosen by the seed. */
  readonly jitterMs: number;
  /** From a lock request to the engine's decision. */
  readonly lockMs: number;
  /** An operation inside the lock manager for longer than this is reported as stalled. */
  readonly stalledMs: number;
}

/** Quick enough for people and tests, slow enough that every state can be seen. */
export const TIMINGS_DEFAULT: EmbeddedTimings = {
  detectionMs: 300, ringMs: 50, fencingMs: 200, recoveryMs: 50, lockspaceJoinMs: 20,
  deliveryMs: 1, jitterMs: 0, lockMs: 0, stalledMs: 1_000,
};

export interface ClusterOptions {
  /** The configured nodes: quorum is a majority of them. 1 to 64. */
  readonly nodes: readonly NodeOptions[];
  readonly clock: Clock;
  /** What the configuration map calls the cluster; `embedded` unless said. */
  readonly clusterName?: string;
  readonly timings?: Partial<EmbeddedTimings>;
  /** Decides boot ids and jitter. The same seed on the same clock is the same run. */
  readonly seed?: number;
  /**
   * How often, 0 to 1, messages that had no place in the order when a ring broke get it in that
   * ring after all, among those who leave it together with their sender. Corosync does so: the
   * echo of a paused or cut off node may then be its own alone, in a view that still shows the
   * others. 0 unless set: such messages wait for the next ring.
   */
  readonly loneEchoRate?: number;
  /**
   * Whether fencing a node turns its power off, as it does in reality. Without it the survivors
   * get a node's locks while its processes still run: only its lockspaces are abandoned there.
   * False unless set; simulations that watch over exclusion must set it.
   */
  readonly fencingPowersOff?: boolean;
  /** What dlm_controld answers when asked whether it fences. True unless set. */
  readonly fencingEnabled?: boolean;
  /**
   * Keeps lockspaces out of what happens to corosync (killed, cut off, paused): only power-off
   * reaches them. For those who have a real corosync beside the embedded lock manager.
   */
  readonly lockspacesIgnoreRings?: boolean;
}

export const NODES_MAX = 64;
