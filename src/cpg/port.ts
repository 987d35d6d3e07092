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

/**
 * What corosync promises of the order of a message. All four are accepted and all four are sent
 * as `agreed`, the total order: corosync implements no other. `safe` is no safer.
 * @see cpg_mcast_joined(3)
 */
export type Guarantee = 'unordered' | 'fifo' | 'agreed' | 'safe';

/** Whether corosync asks its clients to send less. Its answer has always been `disabled`. */
export type FlowControl = 'disabled' | 'enabled';

/** One group of the cluster, as corosync-cpgtool shows it. */
export interface GroupListing {
  /** The bytes of its name; see `Group.join`. */
  readonly name: Uint8Array;
  readonly members: readonly Member[];
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
 * Real side: libcpg (`openCpg`). Embedded side: the in-process bus.
 *
 * Open it, attach the listeners, then `join`: nothing is delivered before the join.
 */
export interface Group extends EventEmitter<GroupEvents> {
  /** This process as the others will see it. */
  readonly self: Member;
  /** Largest payload of one multicast, in bytes. */
  readonly payloadBytesMax: number;
  /**
   * Joins the group named by these 1 to 128 bytes, or by a text in UTF-8; resolves once the `view`
   * that shows it has been emitted. Rejects with CpgError. One membership per object: corosync
   * never lets a connection join again after a leave (`EXIST`), so open a new group for that.
   *
   * The length is part of the name: `abc` is another group than `abc` with a zero byte behind it.
   * Programs in C differ in which they send: corosync's own send strlen bytes, but Pacemaker,
   * dlm_controld and pmxcfs send strlen + 1; to meet those, give the zero byte as well.
   */
  join(name: string | Uint8Array): Promise<void>;
  /**
   * Sends to all members, oneself included, in total order (CPG_TYPE_AGREED).
   *
   * Resolves when our own copy has come back: that proves the order and nothing about the others.
   * A node that is just being cut off, or was paused, gets its own copy back in the old view, and
   * no other member ever gets one; the view without the others follows later.
   * Rejects with CpgError `QUEUE_FULL` (the bounded queue), `TOO_BIG`, `NOT_JOINED`, `LOST` or
   * `CLOSED`. Takes a copy of the payload; sends in the order of the calls. Several buffers go as
   * one message, one behind the other, as an iovec does in C.
   *
   * When nothing of ours has come back for a minute, corosync hangs or has lost it all: the group
   * is `lost` then, and everything that waits rejects with `LOST`.
   * @see cpg_mcast_joined(3)
   */
  multicast(
    payload: Uint8Array | readonly Uint8Array[], guarantee?: Guarantee,
  ): Promise<void>;
  /**
   * Leaves the group; the others see `leave`. Resolves once our own departure was delivered, after
   * which nothing but `lost` is emitted.
   * Multicasts not yet sent, or whose copy had not come back by then, reject with `NOT_JOINED`.
   */
  leave(): Promise<void>;
  /** Closes the connection; without a leave before, the others see `procdown`. Idempotent. */
  close(): Promise<void>;
}

/**
 * A group with everything else that libcpg offers for its connection. What needs messages and
 * membership only, asks for a `Group`.
 */
export interface Cpg extends Group {
  /**
   * The descriptor that becomes readable when there is something to dispatch; null on a side that
   * has none. Only to be looked at: it is polled already, and libuv aborts the process when one
   * descriptor is polled twice or is closed by somebody else.
   * @see cpg_fd_get(3)
   */
  readonly fd: number | null;
  /**
   * A number of the caller's that libcpg keeps with the connection, 0 to 2^64 - 1 (in C a
   * pointer). Nothing here reads it. Throws CpgError `INVALID_PARAM`, `LOST` or `CLOSED`.
   * @see cpg_context_get(3)
   */
  context: bigint;
  /**
   * Who is in this group, asked of this node's corosync now; the last `view` says the same unless
   * it is still on its way. Rejects with CpgError `NOT_JOINED`.
   *
   * This and the questions below do not disturb the messages: each has a connection of its own to
   * corosync, one at a time, 16 more may wait (`QUEUE_FULL`). They wait for as long as corosync is
   * stopped, and reject with `LOST` or `CLOSED` when this group ends meanwhile.
   * @see cpg_membership_get(3)
   */
  membership(): Promise<readonly Member[]>;
  /** The names of all groups with members, in no order. @see cpg_iteration_initialize(3) */
  groupNames(): Promise<readonly Uint8Array[]>;
  /** All groups with their members. @see cpg_iteration_initialize(3), corosync-cpgtool(8) */
  groups(): Promise<readonly GroupListing[]>;
  /** The members of any group; none when there is no such group. */
  membersOf(name: string | Uint8Array): Promise<readonly Member[]>;
  /** This node's id, asked of corosync now; `self.nodeId` is what it was at the opening. */
  localNodeId(): Promise<number>;
  /** Throws CpgError `LOST` or `CLOSED`. @see cpg_flow_control_state_get(3) */
  flowControl(): FlowControl;
}

/** Opens a connection to the group service of this node. Rejects with CpgError. */
export type OpenCpg = () => Promise<Cpg>;
/** The same, for who needs no more than a `Group`. */
export type OpenGroup = () => Promise<Group>;
