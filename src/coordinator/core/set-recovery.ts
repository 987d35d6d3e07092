import type { EffectCollector } from './effect.js';
import { describeOwner } from './owner.js';
import { recordReleasing, setPhase } from './own-locks.js';
import type { OwnLock, State } from './state.js';

/**
 * `orphaned -> the same, to be released`: of a set that the last run did not finish, nothing
 * stays. Its `held` records are one append, which a crash may have torn: one member that is still
 * an intent shows that its caller was never answered.
 */
export function rollBackUnfinishedSets(state: State, out: EffectCollector): void {
  for (const members of membersBySet(state).values()) {
    if (!members.some((lock) => formerOf(lock) === 'intent')) continue;
    for (const lock of members) {
      const was = formerOf(lock);
      if (was !== 'intent' && was !== 'held') continue;
      recordReleasing(state, lock, 'its set was not complete', out);
      setPhase(state, lock, { kind: 'orphaned', was: 'releasing', callers: [] });
    }
    const names = members.map(({ facts }) => `'${facts.resource}'`).join(', ');
    const owner = members[0]?.facts.owner ?? null;
    const who = owner === null ? 'an unknown owner' : describeOwner(owner);
    out.log('info', `${names} of ${who}: a set that was not complete is given back`);
  }
}

function membersBySet(state: State): ReadonlyMap<number, readonly OwnLock[]> {
  const sets = new Map<number, OwnLock[]>();
  for (const lock of state.locks.values()) {
    const { set } = lock.facts;
    if (set === undefined) continue;
    const members = sets.get(set);
    if (members === undefined) sets.set(set, [lock]);
    else members.push(lock);
  }
  return sets;
}

function formerOf({ phase }: OwnLock): string | null {
  return phase.kind === 'orphaned' ? phase.was : null;
}
