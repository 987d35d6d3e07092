import { beginClaim, needsGeneration, refuseForNumber } from './begin-claim.js';
import {
  abandonStep, answerConverted, isUp, pendAll, refuseFailedConvert, whoWouldWait, type Converting,
} from './convert-waiting.js';
import type { Answer, EffectCollector } from './effect.js';
import type { CoreEvent, LockFailure } from './event.js';
import { handoverField } from './handover.js';
import { refuseHandover } from './handover-refusal.js';
import { CALLERS_PER_LOCK_MAX, NO_WAIT_MS_MAX } from './limits.js';
import { refuseForList } from './list-condition.js';
import { findHolders, viewOwnLock } from './lock-view.js';
import { covers, joinModes, type LockMode } from './mode.js';
import { describeOwner, isSameOwner } from './owner.js';
import { findOwnLock, setPhase, waitingLocks } from './own-locks.js';
import { refuseInQuestion } from './recheck-state.js';
import { refuse, refuseForStanding, refuseHeld } from './refusal.js';
import type { Caller, OwnLock, State } from './state.js';

type ConvertEvent = Extract<CoreEvent, { kind: 'convert' }>;

/**
 * Who asks for another mode of a lock that is held. A step *up* asks for more: it may be refused,
 * timed out and cancelled, and whoever was told so keeps the mode it had. A step *down* gives
 * protection up: once it is accepted it is finished, as a release is, also by the next start; its
 * callers are told `pending` when that takes longer. From CW to PR and back it goes up to PW and
 * down.
 */
export interface Wish {
  readonly caller: Caller;
  readonly goal: LockMode;
}

/** `held -> converting`, or an answer at once. */
export function onConvert(state: State, event: ConvertEvent, out: EffectCollector): void {
  const { caller, resource, owner, mode: goal } = event;
  if (state.life.kind === 'stopped') {
    out.reply(caller, refuse('STOPPING', 'the daemon has stopped'));
    return;
  }
  const lock = findOwnLock(state, resource, owner);
  const answer =
    lock === undefined
      ? answerNotHeld(state, event)
      : convertOwn(state, lock, { caller: callerOf(state, event), goal }, out);
  if (answer !== null) out.reply(caller, answer);
}

/** The caller of an acquire or a convert, with its deadline. */
export function callerOf(
  state: State,
  event: { readonly caller: number; readonly waitMs: number | null },
): Caller {
  const { caller, waitMs } = event;
  const boundMs = waitMs === 0 ? NO_WAIT_MS_MAX : waitMs;
  const deadlineMs = boundMs === null ? null : state.monotonicMs + boundMs;
  return { caller, waits: waitMs !== 0, deadlineMs };
}

function answerNotHeld(state: State, { resource, owner, mode }: ConvertEvent): Answer {
  const who = describeOwner(owner);
  const holders = findHolders(state, resource, 'EX', null);
  const elsewhere = holders.find((view) => view.owner !== null && isSameOwner(view.owner, owner));
  if (elsewhere !== undefined) {
    const where = elsewhere.node.name;
    return refuse('NOT_HELD', `${who} holds '${resource}' on ${where}; convert it there`, holders);
  }
  const text = `${who} holds no lock on '${resource}': there is nothing to convert`;
  return refuse('NOT_HELD', `${text}; acquire it in ${mode}`, holders);
}

function convertOwn(
  state: State,
  lock: OwnLock,
  wish: Wish,
  out: EffectCollector,
): Answer | null {
  const { phase } = lock;
  if (lock.handover !== null) return refuseHandover(state, lock, lock.handover);
  switch (phase.kind) {
    case 'held':
      return convertHeld(state, lock, wish, out);
    case 'converting':
      if (phase.goal === wish.goal) return joinConvert(state, lock, phase, wish);
      break;
    case 'parked':
    case 'taking':
    case 'claiming':
    case 'gathered':
    case 'releasing':
    case 'orphaned':
    case 'adopting':
    case 'quarantined':
      break;
    default:
      return phase satisfies never;
  }
  return refuseBusy(lock);
}

function refuseBusy(lock: OwnLock): Answer {
  const { resource, owner } = lock.facts;
  const who = owner === null ? 'its owner' : describeOwner(owner);
  return refuse('BUSY', `'${resource}' is just changing hands for ${who}; try again`);
}

/** `held -> converting`, parked while the lockspace recovers; null, or an answer at once. */
export function convertHeld(
  state: State,
  lock: OwnLock,
  { caller, goal }: Wish,
  out: EffectCollector,
): Answer | null {
  const { mode } = lock.facts;
  // What nobody can vouch for is not confirmed either.
  if (state.standing.kind === 'isolated') return refuseForStanding(state.standing);
  const unsure = refuseInQuestion(state, lock);
  if (unsure !== null) return unsure;
  if (mode === goal) {
    return { kind: 'converted', lock: viewOwnLock(state, lock), from: mode, pending: false };
  }
  if (state.life.kind === 'stopping') {
    return refuse('STOPPING', 'the daemon is stopping: it converts no locks');
  }
  const parks = state.standing.kind === 'recovering' && caller.waits;
  // Protection may be given up while the list cannot be written, as by a release; not promised.
  const unlisted = covers(mode, goal) ? null : refuseRaise(state, lock, goal);
  const refusal = (parks ? null : refuseForStanding(state.standing)) ?? unlisted;
  if (refusal !== null) return refusal;
  beginStep(state, lock, { from: mode, goal, wait: caller.waits, callers: [caller] }, out);
  return null;
}

function refuseRaise(state: State, lock: OwnLock, goal: LockMode): Answer | null {
  const numbered = lock.generation === null ? goal : 'NL';
  return refuseForList(state) ?? refuseForNumber(state, numbered);
}

/**
 * An acquire while its lock is converted: answered from the mode that is held when both that one
 * and the one to come cover it, joined when only the latter does.
 */
export function acquireConverting(
  state: State,
  lock: OwnLock,
  phase: Converting,
  { caller, goal: asked }: Wish,
): Answer | null {
  if (!covers(phase.goal, asked)) return refuseBusy(lock);
  if (!covers(lock.facts.mode, asked)) {
    return joinConvert(state, lock, phase, { caller, goal: asked });
  }
  if (state.standing.kind === 'isolated') return refuseForStanding(state.standing);
  const held = { kind: 'acquired', lock: viewOwnLock(state, lock), acquired: false } as const;
  return refuseInQuestion(state, lock) ?? held;
}

function joinConvert(
  state: State,
  lock: OwnLock,
  phase: Converting,
  { caller }: Wish,
): Answer | null {
  const { resource, id } = lock.facts;
  if (phase.progress === 'timeout' || phase.progress === 'canceled') return refuseBusy(lock);
  if (phase.callers.length >= CALLERS_PER_LOCK_MAX) {
    return refuse('LIMIT', `${CALLERS_PER_LOCK_MAX} callers wait for '${resource}'`);
  }
  if (!caller.waits && phase.wait) {
    const holders = findHolders(state, resource, phase.to, id);
    if (holders.length > 0) {
      return refuseHeld('HELD', resource, phase.to, holders, lock.facts.mode);
    }
    const text = `a convert of '${resource}' to ${phase.goal} waits already; wait too`;
    return refuseForStanding(state.standing) ?? refuse('BUSY', `${text}, or try again`);
  }
  lock.phase = { ...phase, callers: [...phase.callers, caller] };
  return null;
}

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
  const number = numberOf(lock);
  out.persist({
    kind: 'converting', at: state.wallMs, id, from: mode, to: phase.to, ...number,
    ...handoverField(lock.handover),
  });
}

function numberOf({ generation }: OwnLock): { readonly generation?: number } {
  return generation === null ? {} : { generation };
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
  const { handover } = lock;
  settleMode(state, lock, phase.to, out);
  if (covers(phase.to, before) && (phase.callers.length === 0 || isIsolated)) {
    // Back in CW it is being handed over as before.
    lock.handover = handover;
    const refusal = refuseForStanding(state.standing);
    for (const { caller } of phase.callers) if (refusal !== null) out.reply(caller, refusal);
    const why = isIsolated ? 'this node is isolated' : 'its callers have gone';
    const what = `'${lock.facts.resource}' was granted in ${phase.to} when ${why}`;
    out.log('info', `${what}: it goes back to ${phase.from}`);
    beginStep(state, lock, { from: phase.to, goal: phase.from, wait: false, callers: [] }, out);
  } else if (phase.goal !== phase.to) {
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

/** `claiming -> converting`, back to the mode that was held before the grant. */
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
    kind: 'held', at: state.wallMs, id: lock.facts.id, mode, ...numberOf(lock),
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

/** `converting -> held`, or `-> converting, canceled` when the kernel was asked: a stop. */
export function abandonConvert(
  state: State,
  lock: OwnLock,
  phase: Converting,
  out: EffectCollector,
): void {
  abandonStep(state, lock, phase, refuse('CANCELED', 'the daemon stops'), out);
}
