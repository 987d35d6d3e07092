import type { EffectCollector } from './effect.js';
import { viewOwnLock } from './lock-view.js';
import { setPhase } from './own-locks.js';
import type { Caller, OwnLock, State } from './state.js';

/** Whether it is taken for a set that is under way; once that is complete it is like any other. */
export function isGathered(state: State, { facts }: OwnLock): boolean {
  return facts.set !== undefined && state.sets.has(facts.set);
}

/**
 * `taking | claiming -> gathered`: a member of a set is granted, and has its generation if it needs
 * one. The list keeps it as an intent until all of the set are, so a crash before that rolls the
 * whole set back.
 */
export function gather(
  state: State,
  lock: OwnLock,
  callers: readonly Caller[],
  out: EffectCollector,
): void {
  setPhase(state, lock, { kind: 'gathered' });
  const view = viewOwnLock(state, lock);
  for (const { caller } of callers) {
    out.reply(caller, { kind: 'acquired', id: lock.facts.id, lock: view, acquired: true });
  }
}
