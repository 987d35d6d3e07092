import { findHolders, viewOwnLock } from './lock-view.js';
import type { LockMode } from './mode.js';
import { describeOwner } from './owner.js';
import { refuse, refuseForStanding, type Refusal } from './refusal.js';
import type { LockPhase, OwnLock, State } from './state.js';
import type { LockView } from './view.js';

/** An orphan by what the kernel knows of it; two of one name and mode cannot be told apart. */
export interface OrphanName {
  readonly lockName: string;
  readonly mode: LockMode;
  /** How many of that name and mode whoever asks believes to be there; null = does not say. */
  readonly expect: number | null;
}

export type FoundOrphan =
  /** `others`: how many more there are that cannot be told apart from it. */
  | { readonly kind: 'found'; readonly lock: OwnLock; readonly others: number }
  /** Its release was asked for before and is under way. */
  | { readonly kind: 'releasing'; readonly lock: OwnLock }
  | Refusal;

/** Whether it is an orphan that no list explains, adopted by now or about to be. */
export function isQuarantined({ phase }: OwnLock): boolean {
  return formerOf(phase) === 'quarantined';
}

function formerOf(phase: LockPhase): string {
  return phase.kind === 'orphaned' || phase.kind === 'adopting' ? phase.was : phase.kind;
}

/** What `status` says of that many quarantined locks. */
export function quarantineWarnings(count: number): readonly string[] {
  if (count === 0) return [];
  const which = count === 1 ? '1 lock that no list explains is' : `${count} locks that no list explains are`;
  return [`${which} kept in quarantine and may be in the way of others; see 'holdfast orphans'`];
}

/** What the list says of a release by hand, and by which a repeated request is known. */
export function whyByHand(reason: string, by: string | null): string {
  const who = by === null ? 'by hand' : `by hand, asked for by ${by}`;
  return `an unexplained orphan, released ${who}: ${reason}`;
}

/**
 * The quarantined lock of this node that is meant, or why there is none. A request that says the
 * same `why` as a release that is under way repeats it: it must not take another orphan.
 */
export function findOrphan(state: State, name: OrphanName, why: string): FoundOrphan {
  const named = locksNamed(state, name.lockName);
  const exact = named.filter((lock) => lock.facts.mode === name.mode);
  const repeated = exact.find((lock) => isLeaving(lock) && lock.releaseWhy === why);
  if (repeated !== undefined) return { kind: 'releasing', lock: repeated };
  const quarantined = exact.filter(isQuarantined);
  const [first] = quarantined;
  const wrong = quarantined.length === 0 ? null : refuseUnexpected(state, name, quarantined);
  if (wrong !== null) return wrong;
  if (first !== undefined) {
    return { kind: 'found', lock: first, others: quarantined.length - 1 };
  }
  const leaving = exact.find(isLeaving);
  if (leaving !== undefined) return { kind: 'releasing', lock: leaving };
  return explainNone(state, name, named);
}

/** A request that was repeated after it had been done must not take the next of its kind. */
function refuseUnexpected(
  state: State,
  { lockName, mode, expect }: OrphanName,
  quarantined: readonly OwnLock[],
): Refusal | null {
  if (expect === null || expect === quarantined.length) return null;
  const text = `${quarantined.length} orphans '${lockName}' are in ${mode} here, not ${expect}`;
  const then = "one may have been released already: look at 'holdfast orphans' and say how many";
  return refuse('NOT_HELD', `${text}; ${then}`, viewsOf(state, quarantined));
}

function isLeaving({ facts, phase }: OwnLock): boolean {
  return facts.owner === null && formerOf(phase) === 'releasing';
}

/** The index is by clear name, which an unexplained orphan does not have: so all are looked at. */
function locksNamed(state: State, lockName: string): readonly OwnLock[] {
  return [...state.locks.values()].filter((lock) => lock.facts.lockName === lockName);
}

function explainNone(
  state: State,
  { lockName, mode }: OrphanName,
  named: readonly OwnLock[],
): Refusal {
  const otherModes = named.filter(isQuarantined).map((lock) => lock.facts.mode);
  if (otherModes.length > 0) {
    const text = `the orphan '${lockName}' is in ${otherModes.join(' and ')}, not in ${mode}`;
    return refuse('NOT_HELD', `${text}: name its mode exactly`, viewsOf(state, named));
  }
  for (const { facts: { resource, owner } } of named) {
    if (owner === null) continue;
    const text = `'${resource}' is no unexplained orphan: it is ${describeOwner(owner)}'s`;
    return refuse('NOT_OWNER', `${text}; that owner releases it`, viewsOf(state, named));
  }
  const elsewhere = findHolders(state, lockName, 'EX', null).find((view) => view.owner === null);
  if (elsewhere !== undefined) {
    const where = elsewhere.node.name;
    const text = `the orphan '${lockName}' is on ${where}: only there can it be released`;
    return refuse('NOT_HELD', text, [elsewhere]);
  }
  // What the kernel has is known only when it was asked.
  const unknown = state.lockspaceLink.kind === 'open' ? null : refuseForStanding(state.standing);
  if (unknown !== null) return unknown;
  const text = `this node has no quarantined lock '${lockName}' in ${mode}`;
  return refuse('NOT_HELD', `${text}; 'holdfast orphans' lists those there are`);
}

function viewsOf(state: State, locks: readonly OwnLock[]): readonly LockView[] {
  return locks.map((lock) => viewOwnLock(state, lock));
}
