import type { HandoverFacts } from './handover.js';
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
 * take, `held` before the owner is told, `converting` before a convert, `releasing` before an
 * unlock, `dropped` before the owner is told of anything but a release. So no lock that its owner
 * was told of is ever unlisted, and no listed lock is assumed held without the kernel's word.
 *
 * The first and the last record of a lock say all that counts: a rewrite keeps only those.
 */
export type ListRecord =
  | {
      readonly kind: 'intent';
      readonly at: number;
      readonly lock: LockFacts;
      /** Taken over from another node; every later record of the handover has it too. */
      readonly handover?: HandoverFacts | undefined;
    }
  /**
   * `mode`: the one it is held in since a convert; otherwise that of its facts. `generation` is
   * there for an exclusive mode.
   */
  | {
      readonly kind: 'held';
      readonly at: number;
      readonly id: number;
      readonly mode?: LockMode | undefined;
      readonly generation?: number;
      readonly handover?: HandoverFacts | undefined;
    }
  /** Held in `from`, and about to be in `to` if the kernel grants it. */
  | {
      readonly kind: 'converting';
      readonly at: number;
      readonly id: number;
      readonly from: LockMode;
      readonly to: LockMode;
      readonly generation?: number;
      readonly handover?: HandoverFacts | undefined;
    }
  /** `mode` is the one it was held in, and `to` that of a convert that was not answered yet. */
  | {
      readonly kind: 'releasing';
      readonly at: number;
      readonly id: number;
      readonly why: string;
      readonly mode?: LockMode | undefined;
      readonly to?: LockMode | undefined;
    }
  /** The lock is no longer listed: unlocked, never granted, lost, or ended by a reboot. */
  | { readonly kind: 'dropped'; readonly at: number; readonly id: number; readonly why: string }
  | { readonly kind: 'quarantined'; readonly at: number; readonly lock: LockFacts };

/** A lock as the records so far leave it. */
export interface ListedLock {
  readonly lock: LockFacts;
  readonly state: 'intent' | 'held' | 'converting' | 'releasing' | 'quarantined';
  /** When it came into this state, wall-clock ms. */
  readonly since: number;
  /** Why it is being released; null in every other state. */
  readonly why: string | null;
  /** The one that its owner was told, or is about to be; null for a shared mode, or none yet. */
  readonly generation: number | null;
  /** The mode of a convert whose outcome is not listed; null without one. */
  readonly to: LockMode | null;
  /** Absent when it is not being handed over. */
  readonly handover?: HandoverFacts | undefined;
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
      const now = {
        lock, state: record.kind, since, to: null, why: null, generation: null,
        ...listedHandover(record),
      };
      return { id: record.lock.id, now };
    }
    case 'held':
    case 'converting':
    case 'releasing': {
      const before = listed.get(record.id);
      return before === undefined ? null : { id: record.id, now: change(before, record) };
    }
    case 'dropped':
      return listed.has(record.id) ? { id: record.id, now: null } : null;
    default:
      return record satisfies never;
  }
}

function change(
  before: ListedLock,
  record: Extract<ListRecord, { kind: 'held' | 'converting' | 'releasing' }>,
): ListedLock {
  const isConvert = record.kind === 'converting';
  const mode = (isConvert ? record.from : record.mode) ?? before.lock.mode;
  // Who is converted holds it all the while; one that was refused holds it as before.
  const goesOn = isConvert || (before.state === 'converting' && record.kind === 'held');
  return {
    lock: mode === before.lock.mode ? before.lock : { ...before.lock, mode },
    state: record.kind,
    since: goesOn && mode === before.lock.mode ? before.since : record.at,
    to: record.kind === 'held' ? null : (record.to ?? null),
    why: record.kind === 'releasing' ? record.why : null,
    generation: generationOf(before, record),
    ...listedHandover(record),
  };
}

/** Each record says whether the handover goes on; a release ends it. */
function listedHandover(record: ListRecord): { readonly handover?: HandoverFacts } {
  if (record.kind === 'quarantined' || record.kind === 'releasing') return {};
  if (record.kind === 'dropped' || record.handover === undefined) return {};
  return { handover: record.handover };
}

function generationOf(
  before: ListedLock,
  record: Extract<ListRecord, { kind: 'held' | 'converting' | 'releasing' }>,
): number | null {
  if (record.kind === 'releasing') return before.generation;
  return record.generation ?? (record.kind === 'held' ? null : before.generation);
}

/** For a record: a field that is there while the lock has a generation. */
export function numberField(generation: number | null): { readonly generation?: number } {
  return generation === null ? {} : { generation };
}
