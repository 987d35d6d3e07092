import { beginClaim, needsGeneration } from './claims.js';
import type { EffectCollector } from './effect.js';
import type { KernelOrphan, LockFailure } from './event.js';
import { becomeHeld } from './grant.js';
import { describeLock, NOT_IN_KERNEL, reportLost } from './lost.js';
import type { LockMode } from './mode.js';
import { addLock, dropLock, recordReleasing, setPhase } from './own-locks.js';
import type { ListedLock } from './record.js';
import { refuse, refuseForStanding } from './refusal.js';
import { beginRelease } from './release.js';
import { keepDamagedSets, rollBackUnfinishedSets } from './set-recovery.js';
import type { Caller, FormerState, LockPhase, OwnLock, State } from './state.js';

type Adopting = Extract<LockPhase, { kind: 'adopting' }>;

/**
 * `(nothing) -> orphaned`: the list as the last run left it; the kernel has the last word.
 * `isDamaged`: records may be missing from its middle, not only from its torn end.
 */
export function onListFound(
  state: State,
  listed: readonly ListedLock[],
  isDamaged: boolean,
  out: EffectCollector,
): void {
  for (const { lock: facts, state: was, since, why, generation } of listed) {
    const phase = { kind: 'orphaned', was, callers: [] } as const;
    const lock = addLock(state, facts, phase, since, generation);
    lock.releaseWhy = why;
    if (facts.bootId === state.self.bootId) continue;
    out.report(`${describeLock(lock)} ended with a reboot of this node: it is no longer held`);
    dropLock(state, out, lock, 'ended by a reboot');
  }
  state.isListDamaged = isDamaged;
  if (isDamaged) keepDamagedSets(state, out);
  else rollBackUnfinishedSets(state, out);
}

/** `* -> orphaned`: the lock manager's process is gone; what it held waits to be adopted. */
export function onLockspaceLost(state: State, reason: string, out: EffectCollector): void {
  state.lockspaceLink = { kind: 'closed', reason };
  for (const lock of state.locks.values()) orphan(state, lock, out);
}

function orphan(state: State, lock: OwnLock, out: EffectCollector): void {
  const { phase } = lock;
  switch (phase.kind) {
    case 'parked':
    case 'orphaned':
      break;
    case 'taking':
    case 'claiming':
      setPhase(state, lock, { kind: 'orphaned', was: 'intent', callers: phase.callers });
      // Nobody is to have it: should the kernel have granted it, adoption gives it back.
      if (phase.callers.length === 0 && !(phase.kind === 'claiming' && phase.isKept)) {
        setPhase(state, lock, { kind: 'orphaned', was: 'releasing', callers: [] });
        recordReleasing(state, lock, 'its callers have gone', out);
      }
      break;
    case 'gathered':
      setPhase(state, lock, { kind: 'orphaned', was: 'intent', callers: [] });
      break;
    case 'held':
    case 'quarantined':
      setPhase(state, lock, { kind: 'orphaned', was: phase.kind, callers: [] });
      break;
    case 'releasing':
      for (const { caller } of phase.releasers) {
        out.reply(caller, { kind: 'released', released: true, pending: true });
      }
      setPhase(state, lock, { kind: 'orphaned', was: 'releasing', callers: [] });
      break;
    case 'adopting':
      setPhase(state, lock, { kind: 'orphaned', was: phase.was, callers: phase.callers });
      break;
    default:
      phase satisfies never;
  }
}

/**
 * `orphaned -> adopting`, or settled at once when the kernel has no such orphan. Orphans that
 * nothing explains are adopted too, into quarantine, so that nobody loses them.
 */
export function onLockspaceOpen(
  state: State,
  orphans: readonly KernelOrphan[] | null,
  out: EffectCollector,
): void {
  const open = new Set<number>();
  state.lockspaceLink = { kind: 'adopting', open };
  const pool = orphans === null ? null : poolByName(orphans);
  for (const [lock, mode] of matchOrphans(state, pool)) {
    if (lock.phase.kind !== 'orphaned') continue;
    if (mode === null) settleAbsent(state, lock, lock.phase.was, lock.phase.callers, out);
    else beginAdoption(state, lock, lock.phase.was, lock.phase.callers, mode, open, out);
  }
  for (const [lockName, modes] of pool ?? []) {
    for (const mode of modes) quarantine(state, lockName, mode, open, out);
  }
  // From here on all that the kernel has is listed.
  state.isListDamaged = false;
  finishAdoption(state);
}

function poolByName(orphans: readonly KernelOrphan[]): Map<string, LockMode[]> {
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
 * hold it choose first, then everybody takes an orphan of the very mode, and only what is left
 * after that can be one that was caught in another mode. The order counts without tables too,
 * where the kernel gives any orphan of that name and mode to whoever asks first.
 */
function matchOrphans(
  state: State,
  pool: Map<string, LockMode[]> | null,
): ReadonlyMap<OwnLock, LockMode | null> {
  const matched = new Map<OwnLock, LockMode | null>();
  for (const was of CHOOSING_ORDER) {
    for (const lock of state.locks.values()) {
      if (lock.phase.kind !== 'orphaned' || lock.phase.was !== was) continue;
      const { lockName, mode } = lock.facts;
      // An orphan of its mode may be one whose record was lost: better kept than released for it.
      const isDoubtful = state.isListDamaged && was === 'releasing';
      const own = isDoubtful ? 'NL' : mode;
      matched.set(lock, pool === null ? mode : takeFromPool(pool, lockName, own));
    }
  }
  for (const [lock, mode] of matched) {
    if (mode !== null || pool === null) continue;
    matched.set(lock, takeLeftOver(pool, lock));
  }
  return matched;
}

/**
 * A take is NL or in its mode, nothing between: an orphan in a third mode is somebody else's, whose
 * record is damaged. It goes into quarantine instead of being released for a stranger.
 */
function takeLeftOver(pool: Map<string, LockMode[]>, lock: OwnLock): LockMode | null {
  const { phase, facts } = lock;
  const wasTold = phase.kind === 'orphaned' && phase.was === 'held';
  if (!wasTold) return takeFromPool(pool, facts.lockName, 'NL');
  return pool.get(facts.lockName)?.shift() ?? null;
}

/**
 * An intent before a release: where one orphan may be either's, only the intent's owner can have
 * been told that it holds it, by a record that the end of the file lacks. The release is done
 * either way.
 */
const CHOOSING_ORDER: readonly FormerState[] = ['held', 'quarantined', 'intent', 'releasing'];

function takeFromPool(
  pool: Map<string, LockMode[]>,
  lockName: string,
  mode: LockMode,
): LockMode | null {
  const modes = pool.get(lockName) ?? [];
  const index = modes.indexOf(mode);
  return index < 0 ? null : (modes.splice(index, 1)[0] ?? null);
}

function beginAdoption(
  state: State,
  lock: OwnLock,
  was: FormerState,
  callers: readonly Caller[],
  mode: LockMode,
  open: Set<number> | null,
  out: EffectCollector,
): void {
  const { id, lockName } = lock.facts;
  setPhase(state, lock, { kind: 'adopting', was, mode, callers });
  open?.add(id);
  out.lock({ kind: 'adopt', id, lockName, mode });
}

function quarantine(
  state: State,
  lockName: string,
  mode: LockMode,
  open: Set<number>,
  out: EffectCollector,
): void {
  const id = state.nextLockId;
  const facts = { id, resource: lockName, lockName, mode, owner: null, bootId: state.self.bootId };
  // An NL lock protects nothing: it is what a take leaves that was killed before its grant.
  const was: FormerState = mode === 'NL' ? 'releasing' : 'quarantined';
  const lock = addLock(state, facts, { kind: 'orphaned', was, callers: [] }, state.wallMs);
  out.persist({ kind: 'quarantined', at: state.wallMs, lock: facts });
  if (was === 'quarantined') {
    out.log('warn', `${describeLock(lock)} is an orphan that no list explains: put in quarantine`);
  }
  beginAdoption(state, lock, was, [], mode, open, out);
}

/** `adopting -> held | claiming | releasing | quarantined`: the kernel confirmed it. */
export function onAdopted(state: State, id: number, out: EffectCollector): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'adopting') return;
  settleAdopted(state, lock, lock.phase, out);
  doneAdopting(state, id);
}

function settleAdopted(
  state: State,
  lock: OwnLock,
  phase: Adopting,
  out: EffectCollector,
): void {
  const { id, owner, mode } = lock.facts;
  if (phase.was === 'quarantined') {
    setPhase(state, lock, { kind: 'quarantined' });
  } else if (phase.was === 'releasing') {
    beginRelease(state, lock, lock.releaseWhy ?? 'its release was under way', null, out);
  } else if (phase.mode !== mode) {
    if (phase.was === 'held') reportLost(state, lock, NOT_IN_KERNEL, out);
    failCallers(lock, phase.callers, out);
    beginRelease(state, lock, `found in ${phase.mode} instead of ${mode}`, null, out);
  } else if (phase.callers.length > 0 && state.standing.kind === 'isolated') {
    const refusal = refuseForStanding(state.standing);
    for (const { caller } of phase.callers) if (refusal !== null) out.reply(caller, refusal);
    beginRelease(state, lock, 'granted while this node was isolated', null, out);
  } else {
    if (owner?.kind === 'process') out.watchOwner(id, owner);
    out.log('info', `${describeLock(lock)} was adopted`);
    const { callers } = phase;
    if (phase.was === 'held') setPhase(state, lock, { kind: 'held' });
    else if (needsGeneration(mode)) {
      beginClaim(state, lock, { callers, wait: true, isKept: callers.length === 0 });
    } else becomeHeld(state, lock, callers, null, out);
  }
}

/** `adopting -> (nothing)`, or tried in NL when only the mode was another. */
export function onAdoptFailed(
  state: State,
  id: number,
  failure: LockFailure,
  out: EffectCollector,
): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'adopting') return;
  // The lock manager's process ended again: the next one is asked anew.
  if (failure.code === 'CHILD_LOST' || failure.code === 'CLOSED') return;
  const { phase, facts } = lock;
  if (failure.code === 'OTHER_MODE' && phase.mode !== 'NL') {
    lock.phase = { ...phase, mode: 'NL' };
    out.lock({ kind: 'adopt', id, lockName: facts.lockName, mode: 'NL' });
    return;
  }
  if (failure.code === 'NO_ORPHAN') settleAbsent(state, lock, phase.was, phase.callers, out);
  else {
    setPhase(state, lock, { kind: 'orphaned', was: phase.was, callers: phase.callers });
    const what = `${describeLock(lock)} could not be adopted and stays an orphan`;
    out.log('error', `${what}: ${failure.message}`);
  }
  doneAdopting(state, id);
}

/** `orphaned -> adopting`: what could not be adopted at the opening is tried again. */
export function retryAdoptions(state: State, out: EffectCollector): void {
  for (const lock of state.locks.values()) {
    if (lock.phase.kind !== 'orphaned') continue;
    const { was, callers } = lock.phase;
    beginAdoption(state, lock, was, callers, lock.facts.mode, null, out);
  }
}

/** `orphaned | adopting -> (nothing)`: the kernel has no such lock. */
function settleAbsent(
  state: State,
  lock: OwnLock,
  was: FormerState,
  callers: readonly Caller[],
  out: EffectCollector,
): void {
  if (was === 'held') reportLost(state, lock, NOT_IN_KERNEL, out);
  if (was === 'quarantined') out.log('warn', `${describeLock(lock)} has left the kernel`);
  failCallers(lock, callers, out);
  const why = was === 'held' ? 'lost' : was === 'intent' ? 'never granted' : 'gone already';
  dropLock(state, out, lock, why);
}

function failCallers(lock: OwnLock, callers: readonly Caller[], out: EffectCollector): void {
  const what = `while '${lock.facts.resource}' was asked for`;
  const text = `the lock manager's process ended ${what}; try again`;
  for (const { caller } of callers) out.reply(caller, refuse('LOCK_MANAGER', text));
}

/** One adoption less to wait for. */
export function doneAdopting(state: State, id: number): void {
  if (state.lockspaceLink.kind !== 'adopting') return;
  state.lockspaceLink.open.delete(id);
  finishAdoption(state);
}

function finishAdoption(state: State): void {
  if (state.lockspaceLink.kind !== 'adopting' || state.lockspaceLink.open.size > 0) return;
  state.lockspaceLink = { kind: 'open', hasRun: false };
}
