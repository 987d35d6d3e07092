import type { Answer } from './effect.js';
import { isUsedUp } from './generations.js';
import { needsGeneration, type LockMode } from './mode.js';
import { setPhase } from './own-locks.js';
import { refuse } from './refusal.js';
import type { Caller, OwnLock, State } from './state.js';

/**
 * `taking | converting | adopting -> claiming`: the kernel has granted an exclusive mode, and
 * nobody is told before the lock has its number. `isKept`: it stays although nobody waits for it.
 */
export function beginClaim(
  state: State,
  lock: OwnLock,
  waits: {
    readonly callers: readonly Caller[];
    readonly wait: boolean;
    readonly isKept: boolean;
    readonly from: LockMode | null;
  },
): void {
  lock.generation = null;
  setPhase(state, lock, { kind: 'claiming', number: null, ...waits });
}

/** Why no lock in this mode may be taken as its numbers stand; null when it may. */
export function refuseForNumber(state: State, mode: LockMode): Answer | null {
  return needsGeneration(mode) && isUsedUp(state.generations) ? refuseNumber(state) : null;
}

/** Numbers cannot be reserved, so no exclusive mode is granted. */
export function refuseNumber(state: State): Answer {
  const text = state.warnings.get('generations-mark') ?? 'generations cannot be reserved';
  return refuse('LIST_FAILED', text);
}
