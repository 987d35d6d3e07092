import { isUp } from './convert-waiting.js';
import type { EffectCollector } from './effect.js';
import type { CoreEvent, LockspaceCondition } from './event.js';
import { RECHECK_PAUSE_MS, RECHECK_READ_MS_MAX, RECHECK_READS } from './limits.js';
import { sendSnapshotOnRequest } from './manifest-sender.js';
import type { Candidate, Recheck } from './recheck-state.js';
import { becomeLost, findMissing } from './recheck-verdict.js';
import type { OwnLock, State } from './state.js';

type LocksRead = Extract<CoreEvent, { kind: 'locks-read' }>;

/**
 * This node was cut off, paused, without corosync or without quorum: others may have gone on
 * without it, and recovery may have given its locks away. Before it claims them again it asks the
 * kernel, now and once more when the lockspace has recovered. While the lock manager's process is
 * away there is nothing to ask: adoption then takes the kernel's word for every lock.
 */
export function noteGap(state: State, why: string, out: EffectCollector): void {
  state.heldAtGap = new Map(claimed(state).map((lock) => [lock.facts.id, lock.phase]));
  state.aftermath = state.condition.kind === 'running' ? 'if-it-stops' : 'when-it-runs';
  begin(state, why, out);
}

/** A look at the lockspace: what was held through a gap is checked again when it has recovered. */
export function watchAftermath(
  state: State,
  before: LockspaceCondition['kind'],
  out: EffectCollector,
): void {
  const { kind } = state.condition;
  const { lockspaceLink } = state;
  if (kind === 'absent' && before !== 'absent' && hasRun(lockspaceLink)) {
    noteGap(state, 'the lockspace vanished from the kernel', out);
  } else if (kind !== 'running') {
    if (state.aftermath === 'if-it-stops') state.aftermath = 'when-it-runs';
  } else if (state.aftermath === 'when-it-runs') {
    state.aftermath = 'none';
    begin(state, 'the lockspace has recovered from a gap', out);
  }
}

function hasRun(link: State['lockspaceLink']): boolean {
  return link.kind === 'open' && link.hasRun;
}

/** A check that is under way begins anew: what it has read may be from before the gap. */
function begin(state: State, why: string, out: EffectCollector): void {
  const locks = claimed(state);
  if (state.lockspaceLink.kind !== 'open' || locks.length === 0) {
    endRecheck(state, out);
    return;
  }
  const candidates = new Map(locks.map((lock) => [lock.facts.id, candidateOf(lock)]));
  const sinceMs = state.recheck?.sinceMs ?? state.monotonicMs;
  read(state, { why, sinceMs, misses: 0, candidates }, out);
}

/**
 * Locks that our manifest claims and no operation is under way on that changes how the kernel has
 * them: one that waits to be raised is granted in its old mode meanwhile.
 */
function claimed(state: State): readonly OwnLock[] {
  return [...state.locks.values()].filter((lock) => {
    const { phase } = lock;
    if (phase.kind !== 'converting') return phase.kind === 'held' || phase.kind === 'quarantined';
    return phase.progress === 'parked' || isUp(lock, phase);
  });
}

function candidateOf({ phase, facts: { lockName, mode } }: OwnLock): Candidate {
  return { phase, lockName, mode };
}

function read(
  state: State,
  check: Omit<Recheck, 'round' | 'stage'>,
  out: EffectCollector,
): void {
  state.recheckRound += 1;
  const untilMs = state.monotonicMs + RECHECK_READ_MS_MAX;
  state.recheck = { ...check, round: state.recheckRound, stage: { kind: 'reading', untilMs } };
  out.readLocks(state.recheckRound);
}

/**
 * The kernel's table as it was read. It is no snapshot: while other locks come and go, a reading
 * may miss one that is there. So only what several readings in a row have missed is lost, and only
 * if nothing has happened to it on our side since the first of them began.
 */
export function onLocksRead(state: State, event: LocksRead, out: EffectCollector): void {
  const { recheck } = state;
  if (recheck === null || recheck.round !== event.round) return;
  if (recheck.stage.kind !== 'reading') return;
  // Where there is no lockspace there is no table either, and no lock.
  const locks = event.locks ?? (state.condition.kind === 'absent' ? [] : null);
  if (locks === null) {
    giveUp(state, recheck, event.reason, out);
    return;
  }
  state.warnings.delete(TOPIC);
  const missing = findMissing(state, recheck.candidates, locks);
  if (missing.size === 0) {
    const doubt = state.condition.kind === 'abandoned'
      ? ', which proves little: the lockspace is abandoned, and the others may have gone on' : '';
    out.log('info', `own locks are in the kernel as listed, checked after ${recheck.why}${doubt}`);
    endRecheck(state, out);
  } else if (recheck.misses + 1 < RECHECK_READS) {
    const stage = { kind: 'pausing', untilMs: state.monotonicMs + RECHECK_PAUSE_MS } as const;
    state.recheck = { ...recheck, misses: recheck.misses + 1, candidates: missing, stage };
  } else {
    becomeLost(state, missing, locks, recheck.why, out);
    endRecheck(state, out);
  }
}

const TOPIC = 'recheck';

function giveUp(state: State, recheck: Recheck, reason: string, out: EffectCollector): void {
  const text = `after ${recheck.why} ${recheck.candidates.size} locks of this node could not be ` +
    `checked against the kernel (${reason}): that they are held is the list's word alone`;
  state.warnings.set(TOPIC, text);
  out.log('warn', text);
  endRecheck(state, out);
}

/** Ends a check, done or not, and tells the manifest to whoever asked for it meanwhile. */
export function endRecheck(state: State, out: EffectCollector): void {
  state.recheck = null;
  if (!state.isSnapshotOwed) return;
  state.isSnapshotOwed = false;
  sendSnapshotOnRequest(state, out);
}

/** The next reading when its time has come; a table that does not answer is not waited for. */
export function continueRecheck(state: State, out: EffectCollector): void {
  const { recheck } = state;
  if (recheck === null || state.monotonicMs < recheck.stage.untilMs) return;
  if (recheck.stage.kind === 'pausing') read(state, recheck, out);
  else giveUp(state, recheck, `its table was not read within ${RECHECK_READ_MS_MAX} ms`, out);
}
