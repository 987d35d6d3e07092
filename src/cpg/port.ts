import type { EventEmitter } from 'eventemitter3';
import type { CpgError } from './error.js';

/** A process in a group, as corosync names it. Not an identity: both numbers come back. */
export interface Member {
  readonly nodeId: number;
  readonly pid: number;
}

/**
 * Why a member stands in a view's `left` or `joined` list.
 * `leave` = cpg_leave; `procdown` = its connection to corosync went away without one (a crash, or
 * an orderly stop of its corosync, after which a ring without the node follows);
 * `nodedown` and `nodeup` = its node left or entered the ring. A node that comes back with its
 * members alive is `nodeup`; members of a node that was started anew are `join`.
 * @see cpg_initialize(3), CPG_REASON_*
 */
export type ChangeReason = 'undefined' | 'join' | 'leave' | 'nodedown' | 'nodeup' | 'procdown';

export interface MemberChange extends Member {
  readonly reason: ChangeReason;
}

/** A ring's identity: the representative's node id, and a number that grows with every ring. */
export interface RingId {
  readonly nodeId: number;
  readonly seq: bigint;
}

/**
 * A configuration change. `members` is the authority; `left` and `joined` of node changes are
 * computed by each node for itself and differ between nodes.
 */
export interface GroupView {
  readonly members: readonly Member[];
  readonly left: readonly MemberChange[];
  readonly joined: readonly MemberChange[];
}

/** Events arrive strictly in corosync's order: a listener must not await between them. */
export interface GroupEvents {
  /** A message in the group's total order, one's own included. The payload is the listener's. */
  message: [from: Member, payload: Uint8Array];
  view: [view: GroupView];
  /**
   * A new ring, after the views that it caused; also once after the join. Many rings cause no view
   * (a node without members, or the same nodes again), and a brief absence of this node may cause
   * two views, all others nodedown and then nodeup, before one ring. While rings merge, nodes
   * that were together all the time may lose each other for a moment, too.
   */
  ring: [ring: RingId, nodeIds: readonly number[]];
  /** The connection is gone and closed: corosync died or refused it. Open a new group. */
  lost: [cause: CpgError];
}

/**
 * The port to one closed process group: totally ordered multicast and membership.
 * Real side: libcpg (`openGroup`). Embedded side: the in-process bus.
 *
 * Open it, attach the listeners, then `join`: nothing is delivered before the join.
 */
export interface Group extends EventEmitter<GroupEvents> {
  /** This process as the others will see it. */
  readonly self: Member;
  /** Largest payload of one multicast, in bytes. */
  readonly payloadBytesMax: number;
  /**
   * Joins the group named by these 1 to 128 bytes; resolves once the `view` that shows it has
   * been emitted. Rejects with CpgError. One membership per object: corosync never lets a
   * connection join again after a leave (`EXIST`), so open a new group for that.
   */
  join(name: string): Promise<void>;
  /**
   * Sends to all members, oneself included, in total order (CPG_TYPE_AGREED).
   *
   * Resolves when our own copy has come back: that proves the order and nothing about the others.
   * A node that is just being cut off, or was paused, gets its own copy back in the old view, and
   * no other member ever gets one; the view without the others follows later.
   * Rejects with CpgError `QUEUE_FULL` (the bounded queue), `TOO_BIG`, `NOT_JOINED`, `LOST` or
   * `CLOSED`. Takes a copy of the payload; sends in the order of the calls.
   */
  multicast(payload: Uint8Array): Promise<void>;
  /**
   * Leaves the group; the others see `leave`. Resolves once our own departure was delivered, after
   * which nothing but `lost` is emitted.
   * Multicasts not yet sent, or whose copy had not come back by then, reject with `NOT_JOINED`.
   */
  leave(): Promise<void>;
  /** Closes the connection; without a leave before, the others see `procdown`. Idempotent. */
  close(): Promise<void>;
}

/** Opens a connection to the group service of this node. Rejects with CpgError. */
export type OpenGroup = () => Promise<Group>;
