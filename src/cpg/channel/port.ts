import type { EventEmitter } from 'eventemitter3';
import type { CpgError } from '../error.js';
import type { GroupView, Member, RingId } from '../port.js';
import type { Rejection } from './assembler.js';
import type { ForeignReason } from './frame.js';

export type { Rejection, RejectReason } from './assembler.js';
export type { ForeignReason } from './frame.js';

/** A multicast of the group that is no frame this version understands. */
export interface ForeignMessage {
  readonly from: Member;
  /** All of it, as it came; the listener's own. */
  readonly payload: Uint8Array;
  /**
   * `magic`: another program's. `version`: a newer channel's. `kind`: a newer member's, in this
   * version's frame. `malformed`: it begins as a frame and is none. `repeated`: its number shows
   * that this sender's frame came before.
   */
  readonly reason: ForeignReason;
  /** How many of this reason there were since the channel was opened. */
  readonly count: number;
}

/** Events come strictly in corosync's order: a listener must not await between them. */
export interface ChannelEvents {
  /** In the group; the view that shows it follows at once. Now messages can be sent. */
  connected: [self: Member];
  /**
   * Out of the group. Every unsettled call has been rejected with `LOST`; what was not settled
   * may or may not have reached the others. The channel tries to come back by itself.
   */
  disconnected: [cause: CpgError];
  /** An attempt to come back failed; the next one follows after `delayMs` ms. */
  retrying: [cause: CpgError, delayMs: number];
  /**
   * A membership. With `fresh` it is the first one of a new connection: nothing before it may be
   * assumed, messages may have been missed, and members may have changed and changed back.
   */
  view: [view: GroupView, fresh: boolean];
  /** @see GroupEvents.ring */
  ring: [ring: RingId, nodeIds: readonly number[]];
  /**
   * A message, one's own included: the same ones in the same order on all members that have had
   * the same views. A large message has the place of its last chunk. The bytes are the listener's
   * own; small ones share an ArrayBuffer of up to 64 KiB with their neighbours, so copy what is
   * kept for long.
   */
  message: [from: Member, payload: Uint8Array];
  /** A large message of that sender will not arrive here. */
  rejected: [from: Member, rejection: Rejection];
  /**
   * Frames of that sender are missing, and with them whatever messages they carried: also what it
   * sent while its node and this one were parted, told with the first frame after they met again.
   */
  gap: [from: Member, frames: number];
  /** Messages of ours that were accepted, and of which it is unknown who has got them. */
  undelivered: [messages: number, cause: CpgError];
  /** Something else on the same group. */
  foreign: [message: ForeignMessage];
}

/**
 * Messages of any size to all members of a group, in total order, over a connection that comes
 * back. Open it, attach the listeners, then `join`.
 *
 * Errors are CpgError: `NOT_JOINED` (before the join, or while there is no connection: then it is
 * retryable), `LOST` (retryable: the connection went, and nobody knows whether it was delivered;
 * nothing is ever sent again by itself), `TOO_BIG`, `QUEUE_FULL`, `INVALID_PARAM`, `CLOSED`.
 */
export interface Channel extends EventEmitter<ChannelEvents> {
  /** This process as the others see it; null while there is no connection. */
  readonly self: Member | null;
  /**
   * Joins the group named by 1 to 128 bytes, or by a text in UTF-8 (see Group.join), and stays in
   * it: whatever ends the connection, the channel opens another. Resolves with the first
   * `connected`, however long corosync takes to come up; rejects with what no waiting will mend
   * (`ACCESS`, `LIBRARY_MISSING`, ...), after which it may be called again, and with `CLOSED`.
   */
  join(name: string | Uint8Array): Promise<void>;
  /**
   * Takes a copy of the message and sends it in its turn. False when there is no room, and then
   * nothing was taken: await `ready`. The cheapest way to send. Throws CpgError.
   */
  trySend(payload: Uint8Array): boolean;
  /** Resolves when there is room. Rejects with `LOST` when the connection goes meanwhile. */
  ready(): Promise<void>;
  /**
   * Resolves when there was room and the message has been taken; keep it unchanged until then.
   * What becomes of it afterwards is told by `flush` and `undelivered`.
   */
  send(payload: Uint8Array): Promise<void>;
  /**
   * As `send`, but resolves when our own copy has come back, with all the reservations of
   * Group.multicast: it proves the order and nothing about the others.
   */
  multicast(payload: Uint8Array): Promise<void>;
  /**
   * Resolves when all that was taken before has come back; rejects with `LOST` when some of it
   * was lost.
   */
  flush(): Promise<void>;
  /** Sends what was taken, leaves the group (the others see `leave`) and closes the channel. */
  leave(): Promise<void>;
  /**
   * Closes at once: everything unsettled rejects with `CLOSED`; the others see `procdown`.
   * Resolves when nothing of the connection is left, which takes as long as corosync is stopped.
   * Idempotent.
   */
  close(): Promise<void>;
}
