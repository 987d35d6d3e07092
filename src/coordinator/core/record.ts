import type { LockMode } from './mode.js';
import type { Owner } from './owner.js';

/** What the list says of a lock for as long as it is listed. */
export interface LockFacts {
  /** Names the lock within the list and the manifest; not reused while it is listed. */
  readonly id: number;
  /** The clear name that people use. */
  readonly resource: string;
  /** The name in the lockspace: the clear name, or its hash when that is too long. */
  readonly lockName: string;
  readonly mode: LockMode;
  /** Null for an orphan that no list explained. */
  readonly owner: Owner | null;
  /** The boot during which it was taken: after another one the kernel has forgotten it. */
  readonly bootId: string;
  /** The set that it was taken with; absent when it was taken by itself. See acquire-set.ts. */
  readonly set?: number | undefined;
}

/**
 * One line of the lock list. `at` is wall-clock time in ms.
 *
 * Each is *written* before the lock manager is asked for what it announces: `intent` before a
 * take, `held` before the owner is told, `releasing` before an unlock, `released` before the
 * owner is told. So no held lock is ever unlisted, and no listed lock is assumed held without
 * the kernel's word.
 */
export type ListRecord =
  | { readonly kind: 'intent'; readonly at: number; readonly lock: LockFacts }
  /** `generation` is there for an exclusive mode. */
  | {
      readonly kind: 'held';
      readonly at: number;
      readonly id: number;
      readonly generation?: number;
    }
  | { readonly kind: 'releasing'; readonly at: number; readonly id: number; readonly why: string }
  /** The lock is no longer listed: unlocked, never granted, lost, or ended by a reboot. */
  | { readonly kind: 'dropped'; readonly at: number; readonly id: number; readonly why: string }
  | { readonly kind: 'quarantined'; readonly at: number; readonly lock: LockFacts };

/** A lock as the records so far leave it. */
export interface ListedLock {
  readonly lock: LockFacts;
  readonly state: 'intent' | 'held' | 'releasing' | 'quarantined';
  /** When it came into this state, wall-clock ms. */
  readonly since: number;
  /** Why it is being released; null in every other state. */
  readonly why: string | null;
  /** The one that its owner was told, or is about to be; null for a shared mode, or none yet. */
  readonly generation: number | null;
}

/**
 * Applies one record. Returns null when it speaks of a lock that is not listed, or lists an id
 * twice: the file is then damaged at that point.
 */
export function applyRecord(
  listed: ReadonlyMap<number, ListedLock>,
  record: ListRecord,
): { readonly id: number; readonly now: ListedLock | null } | null {
  switch (record.kind) {
    case 'intent':
    case 'quarantined': {
      if (listed.has(record.lock.id)) return null;
      const { lock, at: since } = record;
      const now = { lock, state: record.kind, since, why: null, generation: null };
      return { id: record.lock.id, now };
    }
    case 'held':
    case 'releasing': {
      const before = listed.get(record.id);
      if (before === undefined) return null;
      const why = record.kind === 'releasing' ? record.why : null;
      const told = record.kind === 'held' ? record.generation ?? null : before.generation;
      const { lock } = before;
      const now = { lock, state: record.kind, since: record.at, why, generation: told };
      return { id: record.id, now };
    }
    case 'dropped':
      return listed.has(record.id) ? { id: record.id, now: null } : null;
    default:
      return record satisfies never;
  }
}
