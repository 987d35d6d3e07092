import type { KernelOrphan } from './event.js';
import type { LockMode } from './mode.js';
import { convertMode } from './own-locks.js';
import type { AdoptionQueue, FormerState, OwnLock, State } from './state.js';

/**
 * The resources on which a lock may be in either of two modes, when no table tells which. Its
 * second try could take the orphan of another lock of ours, so those are adopted one at a time,
 * each after the one before it is settled.
 */
export function queueUncertain(state: State): Map<string, AdoptionQueue> {
  const queued = new Map<string, AdoptionQueue>();
  for (const { phase, facts } of state.locks.values()) {
    if (convertMode(phase) !== null) queued.set(facts.resource, { current: null, rest: [] });
  }
  return queued;
}

/** The kernel's orphans, to be handed out: their modes by name. */
export function poolByName(orphans: readonly KernelOrphan[]): Map<string, LockMode[]> {
  const pool = new Map<string, LockMode[]>();
  for (const { lockName, mode } of orphans) {
    const modes = pool.get(lockName);
    if (modes === undefined) pool.set(lockName, [mode]);
    else modes.push(mode);
  }
  return pool;
}

/**
 * The orphan that each of our locks must be, in the order in which to adopt them. Several owners
 * may share a resource, and an orphan does not say whose it is: so those who were told that they
 * hold it choose first, then everybody takes an orphan of the very mode, or of the one that a
 * convert was to bring, and only what is left after that can be one that was caught in another
 * mode. The order counts without tables too, where the kernel gives any orphan of that name and
 * mode to whoever asks first.
 */
export function matchOrphans(
  state: State,
  pool: Map<string, LockMode[]> | null,
): ReadonlyMap<OwnLock, LockMode | null> {
  const matched = new Map<OwnLock, LockMode | null>();
  for (const was of CHOOSING_ORDER) {
    for (const lock of state.locks.values()) {
      if (lock.phase.kind !== 'orphaned' || lock.phase.was !== was) continue;
      const { lockName, mode } = lock.facts;
      if (pool === null) matched.set(lock, mode);
      else {
        const modes = modesOf(state, lock, lock.phase);
        matched.set(lock, takeFirst(pool, lockName, modes));
      }
    }
  }
  for (const [lock, mode] of matched) {
    if (mode !== null || pool === null) continue;
    matched.set(lock, takeLeftOver(pool, lock));
  }
  return matched;
}

/**
 * The modes in which an orphan can be this lock. Of a damaged list a release takes none but NL: an
 * orphan of its mode may be one whose record was lost, better kept than released for it.
 */
function modesOf(
  state: State,
  { facts }: OwnLock,
  { was, to }: Extract<OwnLock['phase'], { kind: 'orphaned' }>,
): readonly LockMode[] {
  if (state.isListDamaged && was === 'releasing') return ['NL'];
  return to === null ? [facts.mode] : [facts.mode, to];
}

/**
 * A take is NL or in its mode, nothing between: an orphan in a third mode is somebody else's, whose
 * record is damaged. It goes into quarantine instead of being released for a stranger.
 */
function takeLeftOver(pool: Map<string, LockMode[]>, lock: OwnLock): LockMode | null {
  const { phase, facts } = lock;
  const was = phase.kind === 'orphaned' ? phase.was : null;
  const wasTold = was === 'held' || was === 'converting';
  if (!wasTold) return takeFromPool(pool, facts.lockName, 'NL');
  return pool.get(facts.lockName)?.shift() ?? null;
}

/**
 * An intent before a release: where one orphan may be either's, only the intent's owner can have
 * been told that it holds it, by a record that the end of the file lacks. The release is done
 * either way. What an owner held that has ended since is a release too.
 */
const CHOOSING_ORDER: readonly FormerState[] = [
  'held', 'converting', 'quarantined', 'intent', 'releasing',
];

function takeFirst(
  pool: Map<string, LockMode[]>,
  lockName: string,
  modes: readonly LockMode[],
): LockMode | null {
  for (const mode of modes) {
    const found = takeFromPool(pool, lockName, mode);
    if (found !== null) return found;
  }
  return null;
}

function takeFromPool(
  pool: Map<string, LockMode[]>,
  lockName: string,
  mode: LockMode,
): LockMode | null {
  const modes = pool.get(lockName) ?? [];
  const index = modes.indexOf(mode);
  return index < 0 ? null : (modes.splice(index, 1)[0] ?? null);
}
