import type { NodeListChange, QuorumState } from './port.js';

/** One event of the connection, in corosync's order. */
export type QuorumEvent =
  | { readonly kind: 'quorum'; readonly state: QuorumState }
  | { readonly kind: 'nodelist'; readonly change: NodeListChange }
  /** An event could not be read; what it said is lost. */
  | { readonly kind: 'broken'; readonly cause: unknown };

/** The raw layer below a tracker: one libquorum handle. Numbers returned are cs_error_t. */
export interface QuorumConnection {
  /** Asks for the current state and every change. This and the next two: off the main thread. */
  track(): Promise<number>;
  /** Ends what `track` began. */
  untrack(): Promise<number>;
  quorate(): Promise<{ readonly status: number; readonly quorate: boolean }>;
  /**
   * Calls `readable` from the event loop while there is something to dispatch, and no other call
   * is under way; until `close`. `failed` when a native call in that path throws: nothing more will
   * be heard then.
   */
  watch(readable: () => void, failed: (cause: unknown) => void): void;
  /** Takes what corosync has, without waiting; `take` hands it over. */
  dispatch(): number;
  /** The events since the last call, oldest first. */
  take(): readonly QuorumEvent[];
  /** Idempotent. Resolves when nothing of the connection is left, also if corosync is dead. */
  close(): Promise<void>;
}
