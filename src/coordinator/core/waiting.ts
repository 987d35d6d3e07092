import type { EffectCollector } from './effect.js';
import { CANCEL_GRACE_MS } from './limits.js';
import { findHolders } from './lock-view.js';
import { forgetLock, waitingLocks } from './own-locks.js';
import { refuse, refuseHeld } from './refusal.js';
import type { Caller, LockPhase, OwnLock, State } from './state.js';

type Taking = Extract<LockPhase, { kind: 'taking' }>;

/**
 * Lets waiting callers go whose time is up. The last one's time-out asks the kernel to cancel;
 * the answer waits for what the kernel decides, but not longer than the grace.
 */
export function expireCallers(state: State, out: EffectCollector): void {
  for (const lock of waitingLocks(state)) {
    const { phase } = lock;
    if (phase.kind !== 'parked' && phase.kind !== 'taking') continue;
    const due = phase.callers.filter((caller) => isDue(state, caller, 0));
    if (due.length === 0) continue;
    if (phase.kind === 'parked') expireParked(state, lock, phase.callers, out);
    else expireTaking(state, lock, phase, out);
  }
}

function isDue(state: State, caller: Caller, graceMs: number): boolean {
  return caller.deadlineMs !== null && state.monotonicMs >= caller.deadlineMs + graceMs;
}

function expireParked(
  state: State,
  lock: OwnLock,
  callers: readonly Caller[],
  out: EffectCollector,
): void {
  const { resource, mode, id, owner } = lock.facts;
  const left = callers.filter((caller) => !isDue(state, caller, 0));
  const holders = findHolders(state, resource, mode, id);
  for (const caller of callers) {
    if (left.includes(caller)) continue;
    out.reply(caller.caller, refuseHeld('TIMEOUT', resource, mode, holders));
  }
  lock.phase = { kind: 'parked', callers: left };
  if (left.length > 0) return;
  forgetLock(state, lock);
  if (owner?.kind === 'process') out.unwatchOwner(id);
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
}

/** The caller went away: the last one's going cancels. */
export function onCallerGone(state: State, gone: number, out: EffectCollector): void {
  state.unexplained = state.unexplained.filter((open) => open.caller !== gone);
  for (const lock of waitingLocks(state)) {
    const { phase } = lock;
    if (phase.kind !== 'parked' && phase.kind !== 'taking') continue;
    if (!phase.callers.some(({ caller }) => caller === gone)) continue;
    const callers = phase.callers.filter(({ caller }) => caller !== gone);
    lock.phase = { ...phase, callers };
    if (callers.length === 0) abandonTake(state, lock, out);
    return;
  }
}

/** `parked -> (nothing)`; `taking -> taking, cancelling`. */
export function abandonTake(state: State, lock: OwnLock, out: EffectCollector): void {
  const { phase, facts } = lock;
  if (phase.kind === 'parked') {
    const text = `waiting for '${facts.resource}' was cancelled`;
    for (const { caller } of phase.callers) out.reply(caller, refuse('CANCELED', text));
    forgetLock(state, lock);
    if (facts.owner?.kind === 'process') out.unwatchOwner(facts.id);
  } else if (phase.kind === 'taking' && phase.cancelling === 'no') {
    lock.phase = { ...phase, cancelling: 'canceled' };
    out.lock({ kind: 'cancel', id: facts.id });
  }
}
