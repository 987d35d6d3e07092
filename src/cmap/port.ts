import type { EventEmitter } from 'eventemitter3';
import type { CmapError } from './error.js';

/** The types of values, by name, and what they are in JS. @see cmap_get(3) */
export interface CmapTypes {
  int8: number;
  uint8: number;
  int16: number;
  uint16: number;
  int32: number;
  uint32: number;
  int64: bigint;
  uint64: bigint;
  float: number;
  double: number;
  string: string;
  binary: Uint8Array;
}

export type CmapValueType = keyof CmapTypes;

/** A value with its type; `type` tells what `value` is. */
export type CmapValue = {
  [Type in CmapValueType]: { readonly type: Type; readonly value: CmapTypes[Type] };
}[CmapValueType];

export interface CmapKey {
  readonly key: string;
  /** Null for a type that a newer corosync knows and we do not. */
  readonly type: CmapValueType | null;
  /** Of the value, in bytes; a string's counts the zero at its end. */
  readonly bytes: number;
}

export interface CmapEntry {
  readonly key: string;
  readonly value: CmapValue;
}

/** What happened to one key. Setting a key to the value that it has already is no change. */
export type CmapChange =
  | { readonly kind: 'added'; readonly key: string; readonly value: CmapValue }
  | { readonly kind: 'modified'; readonly key: string; readonly value: CmapValue;
      readonly before: CmapValue }
  | { readonly kind: 'deleted'; readonly key: string; readonly before: CmapValue };

/** One subscription to changes. */
export interface CmapTracker {
  /** Stands in every `changed` event that it causes; unique within the connection. */
  readonly id: number;
  /** Ends it: nothing of it is emitted any more. Idempotent. Rejects with CmapError. */
  stop(): Promise<void>;
}

export interface TrackOptions {
  /** Follow all keys that begin so, instead of one key. An empty prefix means all keys. */
  readonly prefix?: boolean;
  /** Which changes; all unless said. */
  readonly kinds?: readonly CmapChange['kind'][];
}

export interface ListOptions {
  /** With more keys than this, `TOO_MANY` and nothing is returned; 10,000 unless said. */
  readonly keysMax?: number;
}

export interface CmapEvents {
  /**
   * A tracked key changed, in corosync's order. A change that two trackers cover comes twice.
   * A listener must not await between two of them.
   */
  changed: [change: CmapChange, trackerId: number];
  /** The connection is gone and closed: corosync died. Open a new one. */
  lost: [cause: CmapError];
}

/**
 * The port to corosync's configuration map on this node: what corosync.conf says, what corosync
 * made of it (`runtime.config.`), and who is a member (`runtime.members.`).
 * Real side: libcmap (`openCmap`). Embedded side: the in-process cluster.
 *
 * The map is this node's own: nothing of it is replicated, and nodes may differ. All methods
 * reject with CmapError: `NOT_EXIST` (no such key), `NAME_TOO_LONG` and `INVALID_PARAM` (what is
 * no key, or no value of that type), `LOST`, `CLOSED`, `QUEUE_FULL` (too many calls wait).
 * Calls are answered in their order; they wait for as long as corosync is stopped by a signal.
 * @see cmap_overview(3), cmap_keys(7)
 */
export interface Cmap extends EventEmitter<CmapEvents> {
  /** The value of a key. */
  get(key: string): Promise<CmapValue>;
  /** The value of a key that has this type, else `WRONG_TYPE`. */
  getAs<Type extends CmapValueType>(key: string, type: Type): Promise<CmapTypes[Type]>;
  /**
   * All keys that begin so, ascending as corosync orders them; all keys for ''. Keys that come and
   * go meanwhile may be missed. `TOO_MANY` beyond the bound.
   */
  keys(prefix: string, options?: ListOptions): Promise<readonly CmapKey[]>;
  /** As `keys`, with the values; each is read by itself, so they need not fit together. */
  entries(prefix: string, options?: ListOptions): Promise<readonly CmapEntry[]>;
  /** Emits `changed` from now on. `TOO_MANY` with 256 trackers. */
  track(key: string, options?: TrackOptions): Promise<CmapTracker>;

  /**
   * Stores a value; the key is made when it is absent, and may change its type.
   *
   * HAZARD: this and the three methods below change the running corosync, at once and until it
   * restarts. A wrong `totem.token` breaks up the cluster, `runtime.force_gather` makes it form a
   * new ring. Keys that corosync guards are refused with `ACCESS`. `TOO_BIG` above 16 KiB.
   */
  set(key: string, value: CmapValue): Promise<void>;
  /** Removes a key. HAZARD: see `set`. */
  delete(key: string): Promise<void>;
  /** Adds 1 to a whole number, which wraps around. HAZARD: see `set`. */
  increment(key: string): Promise<void>;
  /** Takes 1 from a whole number, which wraps around. HAZARD: see `set`. */
  decrement(key: string): Promise<void>;

  /** Ends the trackers and the connection. Idempotent. */
  close(): Promise<void>;
}

export interface OpenCmapOptions {
  /** `stats` holds statistics, which are read-only; `config`, everything else, unless said. */
  readonly map?: 'config' | 'stats';
}

/** Opens a connection to the configuration map of this node. Rejects with CmapError. */
export type OpenCmap = (options?: OpenCmapOptions) => Promise<Cmap>;
