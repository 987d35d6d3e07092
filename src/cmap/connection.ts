import type { CmapChange, CmapKey, CmapValue } from './port.js';

/** What one turn of dispatching brought, in corosync's order. */
export interface CmapNews {
  readonly events: readonly CmapEvent[];
  /** The cs_error_t that ended the connection, or null while it stands. */
  readonly lost: number | null;
}

export type CmapEvent =
  | { readonly kind: 'change'; readonly tracker: number; readonly change: CmapChange }
  /** An event could not be read; what it said is lost. */
  | { readonly kind: 'broken'; readonly cause: unknown };

/**
 * The raw layer below the map: one libcmap handle, keys and values checked by the caller. Calls
 * run off the main thread, one at a time, and reject with CmapError.
 */
export interface CmapConnection {
  /** Tells what arrives, from the event loop, until `close`. */
  watch(arrived: (news: CmapNews) => void): void;
  get(key: string): Promise<CmapValue>;
  /** At most `keysMax` keys; null when there are more. */
  keys(prefix: string, keysMax: number): Promise<readonly CmapKey[] | null>;
  set(key: string, value: CmapValue): Promise<void>;
  delete(key: string): Promise<void>;
  increment(key: string): Promise<void>;
  decrement(key: string): Promise<void>;
  /**
   * `kinds` is a sum of CMAP_TRACK_*; null follows all keys. Changes carry `tracker`, also before
   * this resolves. Resolves with what `untrack` takes.
   */
  track(key: string | null, kinds: number, tracker: number): Promise<bigint>;
  untrack(native: bigint): Promise<void>;
  /** Idempotent. Resolves when nothing of the connection is left, also if corosync is dead. */
  close(): Promise<void>;
}
