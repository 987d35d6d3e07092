import type { LockMode } from './mode.js';
import type { Owner } from './owner.js';
import type { Refusal } from './refusal.js';

export interface SetMember {
  readonly resource: string;
  readonly lockName: string;
  readonly mode: LockMode;
}

/** Where a set stands. Each edge is one function in acquire-set.ts. */
export type SetPhase =
  /** The member at `next` is asked for; all before it are granted or were held already. */
  | { readonly kind: 'taking'; readonly next: number }
  /** All are granted; the records that say `held` are being written. */
  | { readonly kind: 'listing' }
  /**
   * What it took is given back. Its caller is told `refusal` when that is done, or at `untilMs`
   * (monotonic); null when nobody wants to hear it.
   */
  | { readonly kind: 'rolling-back'; readonly refusal: Refusal | null; readonly untilMs: number };

/** Several resources that one caller asked for together, until it has its answer. */
export interface LockSet {
  /** The id of the first lock that it takes, so unique among all that are listed. */
  readonly number: number;
  readonly caller: number;
  readonly owner: Owner;
  /** In the order in which they were asked for. */
  readonly asked: readonly SetMember[];
  /** In the order in which they are taken; see `inOrder`. */
  readonly ordered: readonly SetMember[];
  readonly waits: boolean;
  /** Monotonic ms, for the whole; null = for ever, or not at all. */
  readonly deadlineMs: number | null;
  /** The locks that were taken for it; what its owner held before is not among them. */
  readonly takenIds: number[];
  phase: SetPhase;
}

/** The number under which a set waits for a member's lock; callers from outside are positive. */
export function callerOfSet(set: number): number {
  return -set;
}

/** The set that a caller stands for; null for one from outside. */
export function setOfCaller(caller: number): number | null {
  return caller < 0 ? -caller : null;
}

/**
 * Sorted by the bytes of their names in the lockspace. Everyone takes in this one order, so no
 * two sets can wait for each other.
 */
export function inOrder(members: readonly SetMember[]): readonly SetMember[] {
  return [...members].sort((one, other) => compareBytes(one.lockName, other.lockName));
}

/** As their UTF-8 compares: by code points, which `<` does not do beyond U+FFFF. */
function compareBytes(one: string, other: string): number {
  const [ones, others] = [[...one], [...other]];
  for (const [at, character] of ones.entries()) {
    const beside = others[at];
    if (beside === undefined) return 1;
    const difference = (character.codePointAt(0) ?? 0) - (beside.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return ones.length - others.length;
}
