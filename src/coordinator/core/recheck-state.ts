import type { Answer } from './effect.js';
import { RECHECK_HOLD_MS } from './limits.js';
import type { LockMode } from './mode.js';
import { refuse } from './refusal.js';
import type { LockPhase, OwnLock, State } from './state.js';

/** A lock as it was when a check began; another phase since then takes it out of the question. */
export interface Candidate {
  readonly phase: LockPhase;
  readonly lockName: string;
  readonly mode: LockMode;
}

/** A check of our own locks against the kernel, after a gap in what this node has witnessed. */
export interface Recheck {
  /** What the gap was, to be read after `after`. */
  readonly why: string;
  /** Monotonic ms since which our manifest is not told. */
  readonly sinceMs: number;
  /** Names this reading of the kernel's table; an answer to an earlier one counts for nothing. */
  readonly round: number;
  /** How many readings in a row have missed the candidates. */
  readonly misses: number;
  /** The locks that are in question, as they were when the check began. */
  readonly candidates: ReadonlyMap<number, Candidate>;
  readonly stage:
    | { readonly kind: 'reading'; readonly untilMs: number }
    | { readonly kind: 'pausing'; readonly untilMs: number };
}

/** What a gap leaves to be done when the lockspace has recovered from it. */
export type Aftermath = 'none' | 'if-it-stops' | 'when-it-runs';

/** When a check next needs a tick, monotonic ms; null without. */
export function recheckDueMs({ recheck }: State): number | null {
  return recheck === null ? null : recheck.stage.untilMs;
}

/** Whether our manifest must not be told yet. Bounded: the others think it held meanwhile. */
export function isHeldBack({ recheck, monotonicMs }: State): boolean {
  return recheck !== null && monotonicMs - recheck.sinceMs < RECHECK_HOLD_MS;
}

/** Why a lock that is being checked is not confirmed nor converted now; null when it is not. */
export function refuseInQuestion(state: State, lock: OwnLock): Answer | null {
  if (!isInQuestion(state, lock)) return null;
  const text = `'${lock.facts.resource}' is being checked against the kernel, after`;
  return refuse('RECOVERING', `${text} ${state.recheck?.why ?? 'a gap'}; try again`);
}

/** Whether this very lock is being checked, so that it can be confirmed to nobody. */
export function isInQuestion({ recheck }: State, { facts, phase }: OwnLock): boolean {
  return recheck?.candidates.get(facts.id)?.phase === phase;
}
