import { CMAP_TRACK_ADD, CMAP_TRACK_DELETE, CMAP_TRACK_MODIFY } from '../../cmap/constants.js';
import type { CmapChange, CmapKey, CmapTypes, CmapValue } from '../../cmap/port.js';
import { encodeValue } from '../../cmap/value.js';
import {
  CS_ERR_ACCESS, CS_ERR_INVALID_PARAM, CS_ERR_NOT_EXIST, CS_OK,
} from '../../native/corotypes.js';
import { isReadOnly } from './read-only-keys.js';

/** One tracker, as the map sees it. */
export interface MapTracker {
  /** A key, or with `prefix` the beginning of keys. */
  readonly key: string;
  readonly prefix: boolean;
  /** A sum of CMAP_TRACK_*. */
  readonly kinds: number;
  readonly changed: (change: CmapChange) => void;
}

/**
 * The configuration map of one embedded corosync, with the rules of a real one: a value that
 * stays the same is no change, and some keys are closed to clients. Numbers are cs_error_t.
 */
export class ConfigMap {
  readonly #values = new Map<string, CmapValue>();
  readonly #trackers = new Set<MapTracker>();

  get(key: string): CmapValue | null {
    return this.#values.get(key) ?? null;
  }

  /** Ascending. */
  keys(prefix: string): readonly CmapKey[] {
    return [...this.#values]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => ({ key, type: value.type, bytes: encodeValue(value).length }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** A client's change. */
  set(key: string, value: CmapValue): number {
    if (isReadOnly(key)) return CS_ERR_ACCESS;
    this.put(key, value);
    return CS_OK;
  }

  delete(key: string): number {
    if (isReadOnly(key)) return CS_ERR_ACCESS;
    const before = this.#values.get(key);
    if (before === undefined) return CS_ERR_NOT_EXIST;
    this.#values.delete(key);
    this.#tell({ kind: 'deleted', key, before });
    return CS_OK;
  }

  /** Whole numbers wrap around at the ends of their type. */
  adjust(key: string, step: 1 | -1): number {
    if (isReadOnly(key)) return CS_ERR_ACCESS;
    const before = this.#values.get(key);
    if (before === undefined) return CS_ERR_NOT_EXIST;
    const value = stepped(before, step);
    if (value === null) return CS_ERR_INVALID_PARAM;
    this.put(key, value);
    return CS_OK;
  }

  /** corosync's own change. */
  put(key: string, value: CmapValue): void {
    const before = this.#values.get(key);
    if (before !== undefined && isSame(before, value)) return;
    this.#values.set(key, value);
    this.#tell(before === undefined
      ? { kind: 'added', key, value }
      : { kind: 'modified', key, value, before });
  }

  track(tracker: MapTracker): void {
    this.#trackers.add(tracker);
  }

  untrack(tracker: MapTracker): void {
    this.#trackers.delete(tracker);
  }

  #tell(change: CmapChange): void {
    for (const { key, prefix, kinds, changed } of [...this.#trackers]) {
      const covers = prefix ? change.key.startsWith(key) : change.key === key;
      if (covers && (kinds & KINDS[change.kind]) !== 0) changed(change);
    }
  }
}

const KINDS: Readonly<Record<CmapChange['kind'], number>> = {
  added: CMAP_TRACK_ADD, modified: CMAP_TRACK_MODIFY, deleted: CMAP_TRACK_DELETE,
};

function isSame(a: CmapValue, b: CmapValue): boolean {
  return a.type === b.type && Buffer.compare(encodeValue(a).bytes, encodeValue(b).bytes) === 0;
}

const BITS: Readonly<Record<Exclude<keyof CmapTypes, 'float' | 'double' | 'string' | 'binary'>,
  number>> = {
    int8: 8, uint8: 8, int16: 16, uint16: 16, int32: 32, uint32: 32, int64: 64, uint64: 64,
  };

function stepped(before: CmapValue, step: 1 | -1): CmapValue | null {
  switch (before.type) {
    case 'int64':
    case 'uint64': {
      const sum = before.value + BigInt(step);
      const value = before.type === 'int64' ? BigInt.asIntN(64, sum) : BigInt.asUintN(64, sum);
      return { type: before.type, value };
    }
    case 'int8':
    case 'int16':
    case 'int32': {
      const value = BigInt.asIntN(BITS[before.type], BigInt(before.value + step));
      return { type: before.type, value: Number(value) };
    }
    case 'uint8':
    case 'uint16':
    case 'uint32': {
      const value = BigInt.asUintN(BITS[before.type], BigInt(before.value + step));
      return { type: before.type, value: Number(value) };
    }
    case 'float':
    case 'double':
    case 'string':
    case 'binary':
      return null;
  }
}
