import type { Answer, EffectCollector } from './effect.js';
import type { LockFailure } from './event.js';
import { refuseExplained } from './explained-refusal.js';
import { CANCEL_GRACE_MS } from './limits.js';
import { findHolders, viewOwnLock } from './lock-view.js';
import { covers } from './mode.js';
import { isDue, setPhase } from './own-locks.js';
import { refuseDeadlock, refuseForFailure, refuseHeld, refuseUnasked } from './refusal.js';
import type { Caller, LockPhase, OwnLock, State } from './state.js';

export type Converting = Extract<LockPhase, { kind: 'converting' }>;

/** Whether this step asks for more; only such a one can be refused or taken back. */
export function isUp(lock: OwnLock, phase: Converting): boolean {
  return covers(phase.to, lock.facts.mode);
}

/**
 * Lets the callers of a convert go whose time is up. Upwards the last one's time-out asks the
 * kernel to cancel and waits for what it decides, but not longer than the grace; downwards they
 * are told that it will be finished.
 */
export function expireConvert(
  state: State,
  lock: OwnLock,
  phase: Converting,
  out: EffectCollector,
): void {
  if (!isUp(lock, phase)) {
    const due = phase.callers.filter((caller) => isDue(state, caller, 0));
    lock.phase = { ...phase, callers: phase.callers.filter((caller) => !due.includes(caller)) };
    for (const { caller } of due) out.reply(caller, pending(state, lock, phase));
  } else if (phase.progress === 'parked') expireParked(state, lock, phase, out);
  else expireUp(state, lock, phase, out);
}

function pending(state: State, lock: OwnLock, { from }: Converting): Answer {
  const view = viewOwnLock(state, lock);
  return { kind: 'converted', id: lock.facts.id, lock: view, from, pending: true };
}

/** `converting, parked -> held` with its last caller. */
function expireParked(
  state: State,
  lock: OwnLock,
  phase: Converting,
  out: EffectCollector,
): void {
  const { resource, id } = lock.facts;
  const left = phase.callers.filter((caller) => !isDue(state, caller, 0));
  const holders = findHolders(state, resource, phase.to, id);
  for (const caller of phase.callers) {
    if (left.includes(caller)) continue;
    out.reply(caller.caller, refuseUnasked(resource, phase.to, holders, state.standing));
  }
  lock.phase = { ...phase, callers: left };
  if (left.length === 0) setPhase(state, lock, { kind: 'held' });
}

function expireUp(state: State, lock: OwnLock, phase: Converting, out: EffectCollector): void {
  const { resource, mode, id } = lock.facts;
  const everyoneDue = phase.callers.every((caller) => isDue(state, caller, 0));
  const graceMs = everyoneDue ? CANCEL_GRACE_MS : 0;
  const left = phase.callers.filter((caller) => !isDue(state, caller, graceMs));
  for (const caller of phase.callers) {
    if (left.includes(caller)) continue;
    const holders = findHolders(state, resource, phase.to, id);
    out.reply(caller.caller, refuseHeld('TIMEOUT', resource, phase.to, holders, mode));
  }
  const cancels = everyoneDue && phase.progress === 'asked';
  lock.phase = { ...phase, callers: left, progress: cancels ? 'timeout' : phase.progress };
  if (cancels) out.lock({ kind: 'cancel', id });
}

/**
 * The node may no longer vouch for grants: whoever would not wait is answered now. A step up that
 * nobody waits for any more is taken back when it is granted all the same.
 */
export function refuseImpatientConvert(
  state: State,
  lock: OwnLock,
  phase: Converting,
  refusal: Answer,
  out: EffectCollector,
): void {
  const left = phase.callers.filter(({ waits }) => waits);
  if (left.length === phase.callers.length) return;
  const answer = isUp(lock, phase) ? refusal : pending(state, lock, phase);
  for (const { caller, waits } of phase.callers) if (!waits) out.reply(caller, answer);
  const givenUp = left.length === 0 && phase.progress === 'asked' && isUp(lock, phase);
  lock.phase = { ...phase, callers: left, progress: givenUp ? 'canceled' : phase.progress };
}

/**
 * Nobody waits for it any more: a step down goes on; `converting, parked -> held` upwards, and
 * one that was asked of the kernel is cancelled.
 */
export function letStepGo(
  state: State,
  lock: OwnLock,
  phase: Converting,
  out: EffectCollector,
): void {
  lock.phase = { ...phase, callers: [] };
  if (!isUp(lock, phase)) return;
  if (phase.progress === 'parked') setPhase(state, lock, { kind: 'held' });
  else {
    if (phase.progress === 'asked') out.lock({ kind: 'cancel', id: lock.facts.id });
    lock.phase = { ...phase, callers: [], progress: 'canceled' };
  }
}

/** As `letStepGo`, for all its callers: those of a step down are told that it goes on. */
export function abandonStep(
  state: State,
  lock: OwnLock,
  phase: Converting,
  refusal: Answer,
  out: EffectCollector,
): void {
  const answer = isUp(lock, phase) ? refusal : pending(state, lock, phase);
  for (const { caller } of phase.callers) out.reply(caller, answer);
  letStepGo(state, lock, phase, out);
}

/** Tells all callers that the convert is accepted and will be finished. */
export function pendAll(state: State, lock: OwnLock, out: EffectCollector): void {
  const { phase } = lock;
  if (phase.kind !== 'converting') return;
  for (const { caller } of phase.callers) out.reply(caller, pending(state, lock, phase));
  lock.phase = { ...phase, callers: [] };
}

export function answerConverted(
  state: State,
  lock: OwnLock,
  { from, callers }: Pick<Converting, 'from' | 'callers'>,
  out: EffectCollector,
): void {
  const view = viewOwnLock(state, lock);
  for (const { caller } of callers) {
    out.reply(caller, { kind: 'converted', id: lock.facts.id, lock: view, from, pending: false });
  }
}

/** Callers who joined a convert that did not wait, but would. Its record stands for them. */
export function whoWouldWait(state: State, phase: Converting): readonly Caller[] {
  if (phase.wait || phase.progress !== 'asked' || state.standing.kind !== 'ok') return [];
  return phase.callers.filter(({ waits }) => waits);
}

/** The kernel refused: says who is in the way, and which mode is kept. */
export function refuseFailedConvert(
  state: State,
  lock: OwnLock,
  phase: Converting,
  failure: LockFailure,
  out: EffectCollector,
): void {
  const { resource, id, mode: kept } = lock.facts;
  const { to: mode, callers, progress } = phase;
  const isExpected = failure.code === 'WOULD_BLOCK' || failure.code === 'CANCELED';
  if (!isUp(lock, phase)) {
    out.log('error', `'${resource}' was not lowered from ${kept} to ${mode}: ${failure.message}`);
  }
  for (const { caller } of callers) {
    const refusal = { caller, resource, mode, except: id, kept };
    if (failure.code === 'WOULD_BLOCK') refuseExplained(state, { ...refusal, code: 'HELD' }, out);
    else if (isExpected && progress === 'timeout') {
      refuseExplained(state, { ...refusal, code: 'TIMEOUT' }, out);
    } else if (failure.code === 'DEADLOCK') {
      const holders = findHolders(state, resource, mode, id);
      out.reply(caller, refuseDeadlock(resource, mode, kept, holders));
    } else out.reply(caller, refuseForFailure(resource, failure));
  }
}
