import { giveUpOrphan } from './adopt-converting.js';
import { expireConvert, letStepGo, refuseImpatientConvert } from './convert-waiting.js';
import type { Answer, EffectCollector } from './effect.js';
import { onHandoverCallerGone } from './handover-callers.js';
import { CANCEL_GRACE_MS } from './limits.js';
import { findHolders } from './lock-view.js';
import {
  callersOf, convertMode, forgetLock, isDue, recordReleasing, waitingLocks,
} from './own-locks.js';
import { refuse, refuseHeld, refuseUnasked } from './refusal.js';
import type { Caller, LockPhase, OwnLock, State } from './state.js';

type Taking = Extract<LockPhase, { kind: 'taking' }>;

/**
 * Lets waiting callers go whose time is up. The last one's time-out asks the kernel to cancel;
 * the answer waits for what the kernel decides, but not longer than the grace.
 */
export function expireCallers(state: State, out: EffectCollector): void {
  for (const lock of waitingLocks(state)) {
    const { phase } = lock;
    const callers = callersOf(phase) ?? [];
    if (!callers.some((caller) => isDue(state, caller, 0))) continue;
    if (phase.kind === 'taking') expireTaking(state, lock, phase, out);
    else if (phase.kind === 'converting') expireConvert(state, lock, phase, out);
    else expireUnasked(state, lock, callers, out);
  }
}

/** The kernel was not asked, or its answer was lost: there is nothing to cancel and wait for. */
function expireUnasked(
  state: State,
  lock: OwnLock,
  callers: readonly Caller[],
  out: EffectCollector,
): void {
  const { resource, id } = lock.facts;
  const mode = convertMode(lock.phase) ?? lock.facts.mode;
  const left = callers.filter((caller) => !isDue(state, caller, 0));
  const holders = findHolders(state, resource, mode, id);
  for (const caller of callers) {
    if (left.includes(caller)) continue;
    out.reply(caller.caller, refuseUnasked(resource, mode, holders, state.standing));
  }
  setCallers(lock, left);
  if (left.length === 0) letGo(state, lock, 'its callers timed out', out);
}

function setCallers(lock: OwnLock, callers: readonly Caller[]): void {
  if ('callers' in lock.phase) lock.phase = { ...lock.phase, callers };
}

function expireTaking(state: State, lock: OwnLock, phase: Taking, out: EffectCollector): void {
  const { resource, mode, id } = lock.facts;
  const everyoneDue = phase.callers.every((caller) => isDue(state, caller, 0));
  const graceMs = everyoneDue ? CANCEL_GRACE_MS : 0;
  const left = phase.callers.filter((caller) => !isDue(state, caller, graceMs));
  for (const caller of phase.callers) {
    if (left.includes(caller)) continue;
    const holders = findHolders(state, resource, mode, id);
    out.reply(caller.caller, refuseHeld('TIMEOUT', resource, mode, holders));
  }
  const cancels = everyoneDue && phase.cancelling === 'no';
  const cancelling = cancels ? 'timeout' : phase.cancelling;
  lock.phase = { ...phase, callers: left, cancelling };
  if (cancels) out.lock({ kind: 'cancel', id });
  if (left.length === 0) giveUpIntent(state, lock, 'its callers timed out', out);
}

/**
 * Nobody is to have what is being taken. Written before the callers are told: after a crash the
 * intent alone would have the grant kept for an owner who was told that it has nothing.
 */
function giveUpIntent(state: State, lock: OwnLock, why: string, out: EffectCollector): void {
  recordReleasing(state, lock, why, out);
}

/**
 * The node may no longer vouch for grants: whoever would not wait is answered now, since a stopped
 * lockspace may keep the kernel's answer for as long as it likes. A grant that comes all the same
 * is given back when nobody is left who waits for it.
 */
export function refuseImpatient(state: State, refusal: Answer, out: EffectCollector): void {
  for (const lock of waitingLocks(state)) {
    const { phase } = lock;
    // Nobody waits for what a handover asks of the kernel: a grant that comes late is welcome.
    if (lock.handover !== null && phase.kind !== 'taking') continue;
    if (phase.kind === 'converting') refuseImpatientConvert(state, lock, phase, refusal, out);
    if (phase.kind !== 'taking' && phase.kind !== 'claiming') continue;
    const left = phase.callers.filter(({ waits }) => waits);
    if (left.length === phase.callers.length) continue;
    for (const { caller, waits } of phase.callers) if (!waits) out.reply(caller, refusal);
    if (phase.kind === 'claiming') {
      lock.phase = { ...phase, callers: left };
      continue;
    }
    const cancelling = left.length === 0 ? 'canceled' : phase.cancelling;
    lock.phase = { ...phase, callers: left, cancelling };
    if (left.length === 0) giveUpIntent(state, lock, 'its callers were refused', out);
  }
}

/** The caller went away: the last one's going cancels. */
export function onCallerGone(state: State, gone: number, out: EffectCollector): void {
  onHandoverCallerGone(state, gone, out);
  state.unexplained = state.unexplained.filter((open) => open.caller !== gone);
  for (const lock of waitingLocks(state)) {
    const callers = callersOf(lock.phase) ?? [];
    if (!callers.some(({ caller }) => caller === gone)) continue;
    const left = callers.filter(({ caller }) => caller !== gone);
    setCallers(lock, left);
    if (left.length === 0) letGo(state, lock, 'its callers have gone', out);
    return;
  }
}

/** Nobody is to have this lock any more: its callers are told so, and a grant is given back. */
export function abandonTake(state: State, lock: OwnLock, out: EffectCollector): void {
  cancelCallers(lock, out);
  if (lock.phase.kind === 'claiming') lock.phase = { ...lock.phase, isKept: false };
  letGo(state, lock, 'waiting for it was cancelled', out);
}

export function cancelCallers(lock: OwnLock, out: EffectCollector): void {
  const text = `waiting for '${lock.facts.resource}' was cancelled`;
  for (const { caller } of callersOf(lock.phase) ?? []) {
    out.reply(caller, refuse('CANCELED', text));
  }
}

/**
 * `parked -> (nothing)`; `taking -> taking, cancelling`; a convert as in `letStepGo`; a lock that
 * is `claiming` is given back at the end of the step, since the kernel has granted it, unless it is
 * kept; an intent that is or will be adopted is released then. Whatever the kernel has granted
 * meanwhile is given back.
 */
function letGo(state: State, lock: OwnLock, why: string, out: EffectCollector): void {
  const { phase, facts } = lock;
  switch (phase.kind) {
    case 'parked':
      forgetLock(state, lock);
      if (facts.owner?.kind === 'process') out.unwatchOwner(facts.id);
      break;
    case 'taking':
      if (phase.cancelling === 'no') out.lock({ kind: 'cancel', id: facts.id });
      lock.phase = { ...phase, callers: [], cancelling: 'canceled' };
      giveUpIntent(state, lock, why, out);
      break;
    case 'converting':
      letStepGo(state, lock, phase, out);
      break;
    case 'claiming':
      lock.phase = { ...phase, callers: [] };
      break;
    case 'orphaned':
    case 'adopting':
      if (phase.was === 'converting') giveUpOrphan(state, lock, phase, out);
      if (phase.was !== 'intent') break;
      lock.phase = { ...phase, was: 'releasing', callers: [] };
      recordReleasing(state, lock, why, out);
      break;
    case 'gathered':
    case 'held':
    case 'releasing':
    case 'quarantined':
      break;
    default:
      phase satisfies never;
  }
}
