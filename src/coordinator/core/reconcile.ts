import {
  failCallers, keepDamagedConverts, nextModeToTry, orphanClaiming, orphanConverting, orphanedAs,
  orphanGivenUp, settleConverted,
} from './adopt-converting.js';
import { beginClaim } from './begin-claim.js';
import { claimFor, settleMode } from './convert-step.js';
import type { EffectCollector } from './effect.js';
import type { KernelOrphan, LockFailure } from './event.js';
import { becomeHeld } from './grant.js';
import { resumeHandover } from './handover-resume.js';
import { describeLock, NOT_IN_KERNEL, reportLost } from './lost.js';
import { covers, needsGeneration, type LockMode } from './mode.js';
import { addLock, dropLock, recordReleasing, setPhase } from './own-locks.js';
import { matchOrphans, poolByName, queueUncertain } from './orphan-match.js';
import type { ListedLock } from './record.js';
import { refuseForStanding } from './refusal.js';
import { beginRelease } from './release.js';
import { keepDamagedSets, rollBackUnfinishedSets } from './set-recovery.js';
import type {
  AdoptionQueue, Caller, FormerState, LockPhase, OwnLock, State,
} from './state.js';

type Adopting = Extract<LockPhase, { kind: 'adopting' }>;
type Orphaned = Extract<LockPhase, { kind: 'orphaned' }>;

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
  for (const { lock: facts, state: was, since, to, why, generation, handover } of listed) {
    const lock = addLock(state, facts, orphanedAs(was, to, []), since, generation);
    if (handover !== undefined) resumeHandover(state, lock, handover);
    lock.releaseWhy = why;
    if (facts.bootId === state.self.bootId) {
      // From now on and not from its adoption: one that has ended chooses its orphan after those
      // that may have been told, by a record that the end of the file lacks.
      if (facts.owner?.kind === 'process') out.watchOwner(facts.id, facts.owner);
      continue;
    }
    out.report(`${describeLock(lock)} ended with a reboot of this node: it is no longer held`);
    dropLock(state, out, lock, 'ended by a reboot');
  }
  state.isListDamaged = isDamaged;
  if (isDamaged) {
    keepDamagedConverts(state, out);
    keepDamagedSets(state, out);
  } else rollBackUnfinishedSets(state, out);
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
      if (phase.kind === 'claiming' && phase.from !== null) {
        orphanClaiming(state, lock, phase.from, phase.callers);
        break;
      }
      setPhase(state, lock, orphanedAs('intent', null, phase.callers));
      // Nobody is to have it: should the kernel have granted it, adoption gives it back.
      if (phase.callers.length === 0 && !(phase.kind === 'claiming' && phase.isKept)) {
        setPhase(state, lock, orphanedAs('releasing', null, []));
        recordReleasing(state, lock, 'its callers have gone', out);
      }
      break;
    case 'gathered':
      setPhase(state, lock, orphanedAs('intent', null, []));
      break;
    case 'held':
    case 'quarantined':
      setPhase(state, lock, orphanedAs(phase.kind, null, []));
      break;
    case 'converting':
      orphanConverting(state, lock, phase, out);
      break;
    case 'releasing':
      for (const { caller } of phase.releasers) {
        out.reply(caller, { kind: 'released', released: true, pending: true });
      }
      setPhase(state, lock, orphanedAs('releasing', phase.to, []));
      break;
    case 'adopting':
      if (phase.isGivenUp === true && phase.to !== null) {
        orphanGivenUp(state, lock, phase.to, out);
      } else setPhase(state, lock, orphanedAs(phase.was, phase.to, phase.callers));
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
  const pool = orphans === null ? null : poolByName(orphans);
  const queued = pool === null ? queueUncertain(state) : new Map<string, AdoptionQueue>();
  state.lockspaceLink = { kind: 'adopting', open, queued };
  for (const [lock, mode] of matchOrphans(state, pool)) {
    const queue = queued.get(lock.facts.resource);
    if (lock.phase.kind !== 'orphaned') continue;
    if (mode === null) settleAbsent(state, lock, lock.phase.was, lock.phase.callers, out);
    else if (queue?.current === null) {
      queue.current = lock.facts.id;
      beginAdoption(state, lock, lock.phase, mode, open, out);
    } else if (queue === undefined) beginAdoption(state, lock, lock.phase, mode, open, out);
    else {
      open.add(lock.facts.id);
      queue.rest.push(lock.facts.id);
    }
  }
  for (const [lockName, modes] of pool ?? []) {
    for (const mode of modes) quarantine(state, lockName, mode, open, out);
  }
  // From here on all that the kernel has is listed.
  state.isListDamaged = false;
  finishAdoption(state);
}

function beginAdoption(
  state: State,
  lock: OwnLock,
  { was, to, callers }: Orphaned,
  mode: LockMode,
  open: Set<number> | null,
  out: EffectCollector,
): void {
  const { id, lockName } = lock.facts;
  setPhase(state, lock, { kind: 'adopting', was, to, mode, callers });
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
  const phase = orphanedAs(was, null, []);
  const lock = addLock(state, facts, phase, state.wallMs);
  out.persist({ kind: 'quarantined', at: state.wallMs, lock: facts });
  if (was === 'quarantined') {
    out.log('warn', `${describeLock(lock)} is an orphan that no list explains: put in quarantine`);
  }
  beginAdoption(state, lock, phase, mode, open, out);
}

/** `adopting -> held | claiming | releasing | quarantined`: the kernel confirmed it. */
export function onAdopted(state: State, id: number, out: EffectCollector): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'adopting') return;
  settleAdopted(state, lock, lock.phase, out);
  doneAdopting(state, lock, out);
}

function settleAdopted(
  state: State,
  lock: OwnLock,
  phase: Adopting,
  out: EffectCollector,
): void {
  const { mode } = lock.facts;
  if (phase.was === 'quarantined') {
    setPhase(state, lock, { kind: 'quarantined' });
  } else if (phase.was === 'releasing') {
    // Its mode is known now, and no convert of it is under way in this process.
    if (phase.mode === phase.to) lock.facts = { ...lock.facts, mode: phase.mode };
    lock.phase = { ...phase, to: null };
    beginRelease(state, lock, lock.releaseWhy ?? 'its release was under way', null, out);
  } else if (phase.was === 'converting' && (phase.mode === mode || phase.mode === phase.to)) {
    settleConverted(state, lock, phase, out);
  } else if (phase.was === 'held' && phase.mode !== mode && covers(phase.mode, mode)) {
    const found = `${describeLock(lock)} was found in ${phase.mode}, which the list does not explain`;
    out.log('warn', `${found}: it is held so, for the same owner`);
    if (needsGeneration(phase.mode)) claimFor(state, lock, mode, phase.mode, { callers: [] });
    else {
      settleMode(state, lock, phase.mode, out);
      setPhase(state, lock, { kind: 'held' });
    }
  } else if (phase.mode !== mode) {
    if (wasHeld(phase.was)) reportLost(state, lock, NOT_IN_KERNEL, out);
    failCallers(lock, phase.callers, out);
    beginRelease(state, lock, `found in ${phase.mode} instead of ${mode}`, null, out);
  } else if (phase.callers.length > 0 && state.standing.kind === 'isolated') {
    const refusal = refuseForStanding(state.standing);
    for (const { caller } of phase.callers) if (refusal !== null) out.reply(caller, refusal);
    beginRelease(state, lock, 'granted while this node was isolated', null, out);
  } else {
    out.log('info', `${describeLock(lock)} was adopted`);
    const { callers } = phase;
    // What was held has its number, but for a set of a damaged list, and in a list of long ago.
    const isNumbered = lock.generation !== null || !needsGeneration(mode);
    if (phase.was === 'held' && isNumbered) {
      setPhase(state, lock, { kind: 'held' });
    } else if (needsGeneration(mode)) {
      const isKept = callers.length === 0;
      beginClaim(state, lock, { callers, wait: true, isKept, from: null });
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
  const next = failure.code === 'OTHER_MODE' ? nextModeToTry(lock, phase) : null;
  if (next !== null) {
    lock.phase = { ...phase, mode: next };
    out.lock({ kind: 'adopt', id, lockName: facts.lockName, mode: next });
    return;
  }
  if (failure.code === 'NO_ORPHAN') settleAbsent(state, lock, phase.was, phase.callers, out);
  else {
    if (phase.isGivenUp === true && phase.to !== null) orphanGivenUp(state, lock, phase.to, out);
    else setPhase(state, lock, orphanedAs(phase.was, phase.to, phase.callers));
    const what = `${describeLock(lock)} could not be adopted and stays an orphan`;
    out.log('error', `${what}: ${failure.message}`);
  }
  doneAdopting(state, lock, out);
}

/** `orphaned -> adopting`: what could not be adopted at the opening is tried again. */
export function retryAdoptions(state: State, out: EffectCollector): void {
  for (const lock of state.locks.values()) {
    if (lock.phase.kind !== 'orphaned') continue;
    beginAdoption(state, lock, lock.phase, lock.facts.mode, null, out);
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
  if (wasHeld(was)) reportLost(state, lock, NOT_IN_KERNEL, out);
  if (was === 'quarantined') out.log('warn', `${describeLock(lock)} has left the kernel`);
  failCallers(lock, callers, out);
  const why = wasHeld(was) ? 'lost' : was === 'intent' ? 'never granted' : 'gone already';
  dropLock(state, out, lock, why);
}

/** Whether its owner was told that it holds it, in one mode or another. */
function wasHeld(was: FormerState): boolean {
  return was === 'held' || was === 'converting';
}

/** One adoption less to wait for; the next lock of its resource may follow. */
export function doneAdopting(state: State, { facts }: OwnLock, out: EffectCollector): void {
  if (state.lockspaceLink.kind !== 'adopting') return;
  const { open, queued } = state.lockspaceLink;
  open.delete(facts.id);
  const queue = queued.get(facts.resource);
  if (queue?.current === facts.id) beginNext(state, queue, out);
  finishAdoption(state);
}

function beginNext(state: State, queue: AdoptionQueue, out: EffectCollector): void {
  queue.current = null;
  while (queue.current === null && queue.rest.length > 0) {
    const lock = state.locks.get(queue.rest.shift() ?? -1);
    if (lock?.phase.kind !== 'orphaned') continue;
    queue.current = lock.facts.id;
    beginAdoption(state, lock, lock.phase, lock.facts.mode, null, out);
  }
}

function finishAdoption(state: State): void {
  if (state.lockspaceLink.kind !== 'adopting' || state.lockspaceLink.open.size > 0) return;
  state.lockspaceLink = { kind: 'open', hasRun: false };
}
