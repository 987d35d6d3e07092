import type { EffectCollector } from './effect.js';
import { handoverField, isSameHandover } from './handover.js';
import type { ManifestEntry } from './message.js';
import { needsGeneration, type LockMode } from './mode.js';
import { isSameOwner, type Owner } from './owner.js';
import type { LockFacts } from './record.js';
import type { Caller, LockPhase, OwnLock, State } from './state.js';
import type { LockState } from './view.js';

/** Enters a lock; its id must be new. */
export function addLock(
  state: State,
  facts: LockFacts,
  phase: LockPhase,
  sinceMs: number,
  generation: number | null = null,
): OwnLock {
  const lock: OwnLock = {
    facts, phase, sinceMs, releaseWhy: null, generation, handover: null,
  };
  state.locks.set(facts.id, lock);
  const ids = state.idsByResource.get(facts.resource);
  if (ids === undefined) state.idsByResource.set(facts.resource, new Set([facts.id]));
  else ids.add(facts.id);
  state.nextLockId = Math.max(state.nextLockId, facts.id + 1);
  noteChange(state, lock);
  return lock;
}

/** Something of it that others are told may have changed beside its phase. */
export function markChanged(state: State, lock: OwnLock): void {
  state.dirtyIds.add(lock.facts.id);
}

function noteChange(state: State, lock: OwnLock): void {
  if (callersOf(lock.phase) !== null) state.waitingIds.add(lock.facts.id);
  else state.waitingIds.delete(lock.facts.id);
  if (lock.phase.kind === 'claiming') state.claimingIds.add(lock.facts.id);
  else state.claimingIds.delete(lock.facts.id);
  if (lock.handover === null) state.handoverIds.delete(lock.facts.id);
  else state.handoverIds.add(lock.facts.id);
  state.dirtyIds.add(lock.facts.id);
}

/** Those who wait for the grant; null in a phase in which nobody does. */
export function callersOf(phase: LockPhase): readonly Caller[] | null {
  switch (phase.kind) {
    case 'parked':
    case 'taking':
    case 'converting':
      return phase.callers;
    case 'claiming':
    case 'orphaned':
    case 'adopting':
      return phase.callers.length > 0 ? phase.callers : null;
    case 'gathered':
    case 'held':
    case 'releasing':
    case 'quarantined':
      return null;
    default:
      return phase satisfies never;
  }
}

/** Whether a caller's time, and so much more, is over. */
export function isDue({ monotonicMs }: State, { deadlineMs }: Caller, graceMs: number): boolean {
  return deadlineMs !== null && monotonicMs >= deadlineMs + graceMs;
}

/** The own locks that callers may be waiting for, as they are now. */
export function waitingLocks(state: State): readonly OwnLock[] {
  const locks: OwnLock[] = [];
  for (const id of state.waitingIds) {
    const lock = state.locks.get(id);
    if (lock !== undefined) locks.push(lock);
  }
  return locks;
}

/**
 * Moves a lock on. `since` starts anew when the phase's kind changes, but not on the way into an
 * adoption or a convert and back (who held it before has held it all the time), nor while a lock
 * that was granted waits for its generation, which nobody is told.
 */
export function setPhase(state: State, lock: OwnLock, phase: LockPhase): void {
  const { kind } = phase;
  const isAway = AWAY.has(kind);
  const was = lock.phase.kind === 'adopting' ? lock.phase.was : lock.phase.kind;
  const isBack = kind === 'held' ? was === 'held' || was === 'converting' : was === kind;
  const isKept = isAway || (isBack && kind !== 'releasing');
  if (lock.phase.kind !== kind && !isKept) lock.sinceMs = state.wallMs;
  lock.phase = phase;
  noteChange(state, lock);
}

const AWAY: ReadonlySet<LockPhase['kind']> = new Set<LockPhase['kind']>(
  ['orphaned', 'adopting', 'converting', 'claiming'],
);

/** Writes that a lock is on its way out, before the kernel is asked. */
export function recordReleasing(
  state: State,
  lock: OwnLock,
  why: string,
  out: EffectCollector,
): void {
  lock.releaseWhy = why;
  const { id, mode } = lock.facts;
  const to = convertMode(lock.phase);
  const convert = to === null ? {} : { to };
  out.persist({ kind: 'releasing', at: state.wallMs, id, why, mode, ...convert });
}

/** The mode of a convert that was asked of the kernel and not answered; null without one. */
export function convertMode(phase: LockPhase): LockMode | null {
  switch (phase.kind) {
    case 'converting':
      return phase.progress === 'parked' ? null : phase.to;
    case 'releasing':
    case 'orphaned':
    case 'adopting':
      return phase.to;
    case 'parked':
    case 'taking':
    case 'claiming':
    case 'gathered':
    case 'held':
    case 'quarantined':
      return null;
    default:
      return phase satisfies never;
  }
}

/**
 * Forgets a lock and writes that the list no longer holds it. One that was `releasing` and is not
 * in the kernel any more is as good as dropped: nobody waits for that record.
 */
export function dropLock(state: State, out: EffectCollector, lock: OwnLock, why: string): void {
  const { id, owner } = lock.facts;
  const record = { kind: 'dropped', at: state.wallMs, id, why } as const;
  if (lock.phase.kind === 'releasing') out.persistLate(record);
  else if (lock.phase.kind !== 'parked') out.persist(record);
  forgetLock(state, lock);
  if (owner?.kind === 'process') out.unwatchOwner(id);
}

/** Forgets a lock that was never written to the list. */
export function forgetLock(state: State, lock: OwnLock): void {
  const { id, resource } = lock.facts;
  state.locks.delete(id);
  state.handoverIds.delete(id);
  state.waitingIds.delete(id);
  state.claimingIds.delete(id);
  const ids = state.idsByResource.get(resource);
  ids?.delete(id);
  if (ids?.size === 0) state.idsByResource.delete(resource);
  state.dirtyIds.add(id);
}

export function ownLocksOf(state: State, resource: string): readonly OwnLock[] {
  const locks: OwnLock[] = [];
  for (const id of state.idsByResource.get(resource) ?? []) {
    const lock = state.locks.get(id);
    if (lock !== undefined) locks.push(lock);
  }
  return locks;
}

export function findOwnLock(state: State, resource: string, owner: Owner): OwnLock | undefined {
  return ownLocksOf(state, resource).find(
    (lock) => lock.facts.owner !== null && isSameOwner(lock.facts.owner, owner),
  );
}

/** What the others are told of a lock; null while there is nothing to tell. */
export function manifestEntry(state: State, lock: OwnLock): ManifestEntry | null {
  // To others it is in the way as if it were held: that its owner has no word of it is our affair.
  const shown = lock.phase.kind === 'gathered' ? 'held' : shownState(lock.phase);
  if (shown === null || shown === 'taking') return null;
  return {
    id: lock.facts.id,
    resource: lock.facts.resource,
    lockspace: state.self.lockspace,
    ...shownModes(lock),
    state: shown,
    owner: lock.facts.owner,
    since: lock.sinceMs,
    generation: lock.generation,
    ...handoverField(lock.handover),
  };
}

/**
 * The mode that its owner has been told of, and the one that is on its way. Nobody has an exclusive
 * mode without its number: while that is claimed, and while a raised lock that nobody wants any
 * more goes back without one, the old mode is shown.
 */
export function shownModes(
  { phase, facts, generation }: OwnLock,
): { readonly mode: LockMode; readonly converting: LockMode | null } {
  const { mode } = facts;
  if (phase.kind === 'claiming' && phase.from !== null) {
    return { mode: phase.from, converting: mode };
  }
  if (phase.kind !== 'converting') return { mode, converting: null };
  const isUntold = generation === null && needsGeneration(mode);
  return isUntold ? { mode: phase.goal, converting: null } : { mode, converting: phase.goal };
}

/** Whether nothing of it that can change has changed. */
export function isSameEntry(one: ManifestEntry, other: ManifestEntry): boolean {
  const isSameMode = one.mode === other.mode && one.converting === other.converting;
  const isSameHold = one.since === other.since && one.generation === other.generation;
  const isSameStep = isSameHandover(one.handover, other.handover);
  return isSameMode && isSameHold && isSameStep && one.state === other.state;
}

/** The phase in the words of the view. An attempt that does not wait is too short to announce. */
export function shownState(phase: LockPhase): LockState | null {
  switch (phase.kind) {
    case 'parked':
      return 'waiting';
    case 'claiming':
      if (phase.from !== null) return 'held';
      return phase.wait ? 'waiting' : 'taking';
    case 'taking':
      return phase.wait ? 'waiting' : 'taking';
    case 'gathered':
      return 'taking';
    case 'held':
    case 'releasing':
    case 'quarantined':
      return phase.kind;
    case 'converting':
      return 'held';
    case 'orphaned':
    case 'adopting':
      return phase.was === 'intent' ? null : 'orphaned';
    default:
      return phase satisfies never;
  }
}
