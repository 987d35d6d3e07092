import { beginClaim } from './begin-claim.js';
import {
  answerConverted, isUp, pendAll, refuseFailedConvert, whoWouldWait, type Converting,
} from './convert-waiting.js';
import type { EffectCollector } from './effect.js';
import type { LockFailure } from './event.js';
import { handoverField } from './handover.js';
import { covers, joinModes, needsGeneration, type LockMode } from './mode.js';
import { setPhase, waitingLocks } from './own-locks.js';
import { numberField } from './record.js';
import { refuse, refuseForStanding } from './refusal.js';
import type { Caller, OwnLock, State } from './state.js';

/** `held | converting | adopting -> converting`: one step of the way to `goal`. */
export function beginStep(
  state: State,
  lock: OwnLock,
  way: Pick<Converting, 'from' | 'goal' | 'wait' | 'callers'>,
  out: EffectCollector,
): void {
  const { mode } = lock.facts;
  const to = covers(mode, way.goal) ? way.goal : joinModes(mode, way.goal);
  const progress = state.standing.kind === 'ok' ? 'asked' : 'parked';
  const phase: Converting = { kind: 'converting', ...way, to, progress };
  setPhase(state, lock, phase);
  if (progress === 'asked') askKernel(state, lock, phase, out);
  else if (!isUp(lock, phase)) recordConverting(state, lock, phase, out);
}

function recordConverting(
  state: State,
  lock: OwnLock,
  phase: Converting,
  out: EffectCollector,
): void {
  const { id, mode } = lock.facts;
  const number = numberField(lock.generation);
  out.persist({
    kind: 'converting', at: state.wallMs, id, from: mode, to: phase.to, ...number,
    ...handoverField(lock.handover),
  });
}

function askKernel(state: State, lock: OwnLock, phase: Converting, out: EffectCollector): void {
  const { id } = lock.facts;
  recordConverting(state, lock, phase, out);
  out.lock({ kind: 'convert', id, mode: phase.to, wait: phase.wait });
}

/** `converting, parked -> converting, asked`: the lockspace runs, and the list may take it. */
export function resumeConverts(state: State, out: EffectCollector): void {
  for (const lock of waitingLocks(state)) {
    const { phase } = lock;
    if (phase.kind !== 'converting' || phase.progress !== 'parked') continue;
    lock.phase = { ...phase, progress: 'asked' };
    askKernel(state, lock, lock.phase, out);
  }
}

/**
 * `converting -> held`, `-> converting` for the second step, or back down again when nobody may
 * have the stronger mode any more: its callers were told that the old one is kept.
 */
export function onConverted(state: State, id: number, out: EffectCollector): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'converting' || lock.phase.progress === 'parked') return;
  const { phase } = lock;
  const before = lock.facts.mode;
  const isIsolated = state.standing.kind === 'isolated';
  const isWanted = phase.callers.length > 0 && !isIsolated && phase.goal === phase.to;
  if (isWanted && lock.generation === null && needsGeneration(phase.to)) {
    claimFor(state, lock, before, phase.to, phase);
    return;
  }
  if (covers(phase.to, before) && (phase.callers.length === 0 || isIsolated)) {
    const refusal = refuseForStanding(state.standing);
    for (const { caller } of phase.callers) if (refusal !== null) out.reply(caller, refusal);
    const why = isIsolated ? 'this node is isolated' : 'its callers have gone';
    const what = `'${lock.facts.resource}' was granted in ${phase.to} when ${why}`;
    out.log('info', `${what}: it goes back to ${phase.from}`);
    lock.facts = { ...lock.facts, mode: phase.to };
    takeBack(state, lock, phase.from, out);
    return;
  }
  settleMode(state, lock, phase.to, out);
  if (phase.goal !== phase.to) {
    const { from, goal, wait, callers } = phase;
    beginStep(state, lock, { from, goal, wait, callers }, out);
    if (state.standing.kind !== 'ok') pendAll(state, lock, out);
  } else {
    setPhase(state, lock, { kind: 'held' });
    answerConverted(state, lock, phase, out);
  }
}

/**
 * `converting | adopting -> claiming`: an exclusive mode was granted, and nobody is told before it
 * has its number. The list says `converting` until then.
 */
export function claimFor(
  state: State,
  lock: OwnLock,
  from: LockMode,
  mode: LockMode,
  { callers }: { readonly callers: readonly Caller[] },
): void {
  lock.facts = { ...lock.facts, mode };
  beginClaim(state, lock, { callers, wait: true, isKept: callers.length === 0, from });
}

/**
 * `claiming | converting -> converting`, back to the mode that was held before the grant. The list
 * never says `held` of a mode that nobody was told of.
 */
export function takeBack(
  state: State,
  lock: OwnLock,
  goal: LockMode,
  out: EffectCollector,
): void {
  lock.sinceMs = state.wallMs;
  beginStep(state, lock, { from: lock.facts.mode, goal, wait: false, callers: [] }, out);
}

/** Writes the mode that the kernel has; `since` begins anew only when it is another one. */
export function settleMode(
  state: State,
  lock: OwnLock,
  mode: LockMode,
  out: EffectCollector,
): void {
  if (mode !== lock.facts.mode) {
    lock.facts = { ...lock.facts, mode };
    lock.sinceMs = state.wallMs;
  }
  // Who is alone has ended its handover; until then its number stands, since it may go back.
  if (needsGeneration(mode)) lock.handover = null;
  else if (lock.handover === null) lock.generation = null;
  out.persist({
    kind: 'held', at: state.wallMs, id: lock.facts.id, mode, ...numberField(lock.generation),
    ...handoverField(lock.handover),
  });
}

/** `converting -> held` in the mode that it had: refused, cancelled, or failed. */
export function onConvertFailed(
  state: State,
  id: number,
  failure: LockFailure,
  out: EffectCollector,
): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'converting' || lock.phase.progress === 'parked') return;
  // The lock manager's process ended: what became of the convert, adoption will tell.
  if (failure.code === 'CHILD_LOST' || failure.code === 'CLOSED') return;
  const { phase } = lock;
  // Without its number an exclusive mode is never held: its way down is tried again.
  if (!isUp(lock, phase) && lock.generation === null && needsGeneration(lock.facts.mode)) {
    out.log('error', `${stays(lock, phase)} yet: ${failure.message}`);
    putOff(state, lock, phase, out);
    return;
  }
  const patient = failure.code === 'WOULD_BLOCK' ? whoWouldWait(state, phase) : [];
  if (patient.length > 0) {
    lock.phase = { ...phase, wait: true, callers: patient };
    out.lock({ kind: 'convert', id, mode: phase.to, wait: true });
  } else {
    settleMode(state, lock, lock.facts.mode, out);
    setPhase(state, lock, { kind: 'held' });
  }
  const refused = phase.callers.filter((caller) => !patient.includes(caller));
  refuseFailedConvert(state, lock, { ...phase, callers: refused }, failure, out);
}

/**
 * `converting -> held`: its record could not be written, and nothing was asked of the kernel. When
 * the lockspace was lost meanwhile, `orphaned | adopting` as one that was held. A step down is
 * parked and tried again instead: an earlier record of it may stand in the list, and the next start
 * would finish it, so nobody may be told that the old mode is kept.
 */
export function onConvertUnlisted(
  state: State,
  id: number,
  message: string,
  out: EffectCollector,
): void {
  const lock = state.locks.get(id);
  if (lock === undefined) return;
  const { phase } = lock;
  const why = `the lock list cannot be written (${message}): no lock is converted until it can`;
  const refusal = refuse('LIST_FAILED', why);
  if (phase.kind === 'converting' && !isUp(lock, phase)) {
    out.log('error', `${stays(lock, phase)} until the list takes its record: ${message}`);
    putOff(state, lock, phase, out);
  } else if (phase.kind === 'converting') {
    for (const { caller } of phase.callers) out.reply(caller, refusal);
    out.log('error', `${stays(lock, phase)}: ${message}`);
    setPhase(state, lock, { kind: 'held' });
  } else if (phase.kind === 'orphaned' || phase.kind === 'adopting') {
    const isConvert = phase.was === 'converting' && phase.to !== null;
    if (!isConvert || !covers(phase.to, lock.facts.mode)) return;
    for (const { caller } of phase.callers) out.reply(caller, refusal);
    setPhase(state, lock, { ...phase, was: 'held', to: null, callers: [] });
  }
}

function stays({ facts: { resource, mode } }: OwnLock, { to }: Converting): string {
  return `'${resource}' stays in ${mode} and does not become ${to}`;
}

/** `converting, asked -> parked`: a step down that is not done yet, tried again by and by. */
function putOff(state: State, lock: OwnLock, phase: Converting, out: EffectCollector): void {
  setPhase(state, lock, { ...phase, progress: 'parked' });
  pendAll(state, lock, out);
}
