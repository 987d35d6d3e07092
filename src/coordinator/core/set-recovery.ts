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
    if (!hasIntent(members)) continue;
    for (const lock of members) {
      const was = formerOf(lock);
      if (was !== 'intent' && was !== 'held') continue;
      recordReleasing(state, lock, 'its set was not complete', out);
      setPhase(state, lock, { kind: 'orphaned', was: 'releasing', to: null, callers: [] });
    }
    out.log('info', `${describe(members)}: a set that was not complete is given back`);
  }
}

/**
 * `orphaned, was intent -> orphaned, was held`: the list was damaged, so a member that is still
 * an intent beside held ones may have lost its `held` record, and its owner may have been told.
 * Written at once, because later nothing shows the damage any more. A set without a held member
 * is left as single intents are: what the kernel has of it stays, for its owner to release.
 */
export function keepDamagedSets(state: State, out: EffectCollector): void {
  for (const members of membersBySet(state).values()) {
    if (!hasIntent(members)) continue;
    const isHeld = members.some((lock) => TOLD.includes(formerOf(lock) ?? ''));
    for (const lock of members) {
      if (!isHeld || formerOf(lock) !== 'intent') continue;
      out.persist({ kind: 'held', at: state.wallMs, id: lock.facts.id });
      setPhase(state, lock, { kind: 'orphaned', was: 'held', to: null, callers: [] });
    }
    const why = 'the lock list was damaged, so its owner may have been told that it holds it';
    const what = 'a set that does not look complete is kept';
    out.log('warn', `${describe(members)}: ${what}: ${why}; release it if it is not in use`);
  }
}

/** Only who was told that it holds its set has one of its locks converted. */
const TOLD: readonly string[] = ['held', 'converting'];

function describe(members: readonly OwnLock[]): string {
  const names = members.map(({ facts }) => `'${facts.resource}'`).join(', ');
  const owner = members[0]?.facts.owner ?? null;
  return `${names} of ${owner === null ? 'an unknown owner' : describeOwner(owner)}`;
}

function hasIntent(members: readonly OwnLock[]): boolean {
  return members.some((lock) => formerOf(lock) === 'intent');
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
