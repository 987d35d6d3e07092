import type { NodeListChange, QuorumState } from './port.js';

/** One event of the connection, in corosync's order. */
export type QuorumEvent =
  | { readonly kind: 'quorum'; readonly state: QuorumState }
  | { readonly kind: 'nodelist'; readonly change: NodeListChange }
  /** An event could not be read; what it said is lost. */
  | { readonly kind: 'broken'; readonly cause: unknown };

/** The raw layer below a tracker: one libquorum handle. Numbers returned are cs_error_t. */
export interface QuorumConnection {
  /** Asks for the current state and every change; off the main thread. */
  track(): Promise<number>;
  /** Calls `readable` from the event loop while there is something to dispatch. */
  watch(readable: () => void): void;
  /** Takes what corosync has, without waiting; `take` hands it over. */
  dispatch(): number;
  /** The events since the last call, oldest first. */
  take(): readonly QuorumEvent[];
  /** Idempotent. Resolves when nothing of the connection is left, also if corosync is dead. */
  close(): Promise<void>;
}
