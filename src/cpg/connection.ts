import type { CpgEnquiry } from './enquiry.js';
import type { GroupView, Member, RingId } from './port.js';

/** One event of the connection, in corosync's order. */
export type CpgEvent =
  | { readonly kind: 'message'; readonly from: Member; readonly payload: Uint8Array }
  | { readonly kind: 'view'; readonly view: GroupView }
  | { readonly kind: 'ring'; readonly ring: RingId; readonly nodeIds: readonly number[] }
  /** An event could not be read; what it said is lost, so the order is broken. */
  | { readonly kind: 'broken'; readonly cause: unknown };

export interface CpgConnectionListener {
  /** There is something to dispatch. */
  readable(): void;
  /**
   * Asked during `dispatch`: when the message is one of our own, its bytes as we have kept them,
   * which are delivered then instead of another copy. `bytes` may be looked at within the call
   * only. Must not throw.
   */
  kept(from: Member, bytes: Uint8Array): Uint8Array | null;
}

/**
 * The raw layer below a group: one libcpg handle, statuses instead of errors. Every number that
 * is returned is a cs_error_t.
 *
 * One request at a time: libcpg has no lock around a handle's request channel. While `join` or
 * `leave` is under way nothing else may be called but `close`, which waits for it.
 */
export interface CpgConnection {
  readonly nodeId: number;
  /** Largest message that is sent in one piece, in bytes. */
  readonly payloadBytesMax: number;
  readonly fd: number;
  readonly enquiry: CpgEnquiry;
  /** Whether `join` or `leave` is under way on another thread, which has the handle meanwhile. */
  readonly busy: boolean;
  /** Calls the listener from the event loop, until `close`. */
  watch(listener: CpgConnectionListener): void;
  /** Off the main thread: it blocks for as long as corosync is stopped. */
  join(name: Uint8Array): Promise<number>;
  /** Off the main thread, as `join`. */
  leave(name: Uint8Array): Promise<number>;
  /**
   * Copies to shared memory, as CPG_TYPE_* `guarantee`. Spins inside libqb with about 278 messages
   * unread by corosync.
   */
  send(payload: Uint8Array, guarantee: number): number;
  /** A local matter of libcpg, as is the next; gives a number that corosync never looks at. */
  context(): { readonly status: number; readonly value: bigint };
  setContext(value: bigint): number;
  flowControl(): { readonly status: number; readonly state: number };
  /** Takes at most one event from corosync, without waiting; `take` hands it over. */
  dispatch(): number;
  /** Takes out the oldest event that was dispatched. */
  take(): CpgEvent | undefined;
  /** Idempotent. Resolves when nothing of the connection is left, also if corosync is dead. */
  close(): Promise<void>;
}
