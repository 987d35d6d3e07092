import { beginClaim, refuseForNumber } from './begin-claim.js';
import { acquireConverting, callerOf, convertHeld } from './convert.js';
import type { Answer, EffectCollector } from './effect.js';
import type { CoreEvent, LockFailure } from './event.js';
import { refuseExplained } from './explained-refusal.js';
import { becomeHeld } from './grant.js';
import { refuseHandover } from './handover-refusal.js';
import { CALLERS_PER_LOCK_MAX, OWN_LOCKS_MAX } from './limits.js';
import { refuseForList, refuseUnlisted } from './list-condition.js';
import { findHolders, viewOwnLock } from './lock-view.js';
import { covers, joinModes, needsGeneration } from './mode.js';
import { describeOwner } from './owner.js';
import { addLock, callersOf, dropLock, findOwnLock, forgetLock, setPhase, shownState, waitingLocks } from './own-locks.js';
import { doneAdopting } from './reconcile.js';
import { refuseInQuestion } from './recheck-state.js';
import {
  refuse, refuseBusy, refuseForFailure, refuseForStanding, refuseFull, refuseHeld,
} from './refusal.js';
import { beginRelease } from './release.js';
import type { Caller, LockPhase, OwnLock, State } from './state.js';

type AcquireEvent = Extract<CoreEvent, { kind: 'acquire' }>;
type Taking = Extract<LockPhase, { kind: 'taking' }>;

/** `(nothing) -> taking`, `-> parked`, or an answer at once. */
export function onAcquire(state: State, event: AcquireEvent, out: EffectCollector): void {
  if (state.life.kind === 'stopped') {
    out.reply(event.caller, refuse('STOPPING', 'the daemon has stopped'));
    return;
  }
  const existing = findOwnLock(state, event.resource, event.owner);
  const answer =
    existing === undefined ? admit(state, event) : joinExisting(state, existing, event, out);
  if (answer !== null) out.reply(event.caller, answer);
  else if (existing === undefined) beginTake(state, event, out);
}

/** Why a new lock may not even be asked for; null when it may. */
function admit(state: State, event: AcquireEvent): Answer | null {
  if (state.life.kind === 'stopping') {
    return refuse('STOPPING', 'the daemon is stopping: it takes no new locks');
  }
  if (state.locks.size >= OWN_LOCKS_MAX) {
    return refuse('LIMIT', `this node holds ${OWN_LOCKS_MAX} locks, its limit; release some first`);
  }
  const unlisted = refuseForList(state) ?? refuseForNumber(state, event.mode);
  if (unlisted !== null) return unlisted;
  const parks = state.standing.kind === 'recovering' && event.waitMs !== 0;
  return parks ? null : refuseForStanding(state.standing);
}

function beginTake(state: State, event: AcquireEvent, out: EffectCollector): void {
  const id = state.nextLockId;
  const { resource, lockName, mode, owner } = event;
  const facts = {
    id, resource, lockName, mode, owner, bootId: state.self.bootId,
    ...(event.set === undefined ? {} : { set: event.set }),
  };
  const callers = [callerOf(state, event)];
  if (state.standing.kind === 'ok') {
    addLock(state, facts, takingFor(event.waitMs !== 0, callers), state.wallMs);
    askKernel(state, id, out);
  } else {
    addLock(state, facts, { kind: 'parked', callers }, state.wallMs);
  }
  if (owner.kind === 'process') out.watchOwner(id, owner);
}

function takingFor(wait: boolean, callers: readonly Caller[]): Taking {
  return { kind: 'taking', wait, callers, cancelling: 'no' };
}

function askKernel(state: State, id: number, out: EffectCollector): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'taking') return;
  const { lockName, mode } = lock.facts;
  out.persist({ kind: 'intent', at: state.wallMs, lock: lock.facts });
  out.lock({ kind: 'take', id, lockName, mode, wait: lock.phase.wait });
}

/** `parked -> taking`: the lockspace runs again. */
export function unparkAll(state: State, out: EffectCollector): void {
  for (const lock of waitingLocks(state)) {
    if (lock.phase.kind !== 'parked') continue;
    setPhase(state, lock, takingFor(true, lock.phase.callers));
    askKernel(state, lock.facts.id, out);
  }
}

/**
 * The same owner asks again: answered from what is there, or joined to who waits already. What it
 * holds is converted upwards, never down: an acquire must not take protection away.
 */
function joinExisting(
  state: State,
  lock: OwnLock,
  event: AcquireEvent,
  out: EffectCollector,
): Answer | null {
  const { phase, facts } = lock;
  const who = describeOwner(event.owner);
  const isCovered = covers(facts.mode, event.mode);
  const caller = callerOf(state, event);
  if (lock.handover !== null) return refuseHandover(state, lock, lock.handover);
  switch (phase.kind) {
    case 'held':
      if (!isCovered) {
        const goal = joinModes(facts.mode, event.mode);
        return convertHeld(state, lock, { caller, goal }, out);
      }
      // What nobody can vouch for is not confirmed either.
      if (state.standing.kind === 'isolated') return refuseForStanding(state.standing);
      return (
        refuseInQuestion(state, lock) ??
        { kind: 'acquired', id: facts.id, lock: viewOwnLock(state, lock), acquired: false }
      );
    case 'converting':
      return acquireConverting(state, lock, phase, { caller, goal: event.mode });
    case 'parked':
    case 'taking': {
      if (!isCovered) {
        const text = `${who} waits for '${facts.resource}' in ${facts.mode} already; ask for`;
        return refuse('BUSY', `${text} ${event.mode} when it has that`);
      }
      if (phase.kind === 'taking' && phase.cancelling !== 'no') break;
      // A set may still be rolled back, and what somebody else was given must not go with it.
      if (facts.set !== undefined) break;
      if (phase.callers.length >= CALLERS_PER_LOCK_MAX) {
        return refuseFull(facts.resource);
      }
      if (event.waitMs === 0 && shownState(phase) === 'waiting') {
        const holders = findHolders(state, facts.resource, event.mode, facts.id);
        if (holders.length > 0) return refuseHeld('HELD', facts.resource, event.mode, holders);
        const text = `${who} waits for '${facts.resource}' already; wait too, or try again`;
        return refuseForStanding(state.standing) ?? refuse('BUSY', text);
      }
      lock.phase = { ...phase, callers: [...phase.callers, caller] };
      return null;
    }
    case 'claiming': {
      if (!isCovered) break;
      if (phase.callers.length >= CALLERS_PER_LOCK_MAX) {
        return refuseFull(facts.resource);
      }
      const refusal = refuseForStanding(state.standing);
      if (refusal !== null && (event.waitMs === 0 || state.standing.kind === 'isolated')) {
        return refusal;
      }
      setPhase(state, lock, { ...phase, callers: [...phase.callers, caller] });
      return null;
    }
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

/** `taking -> held | claiming`, or `taking -> releasing` when nobody may have it any more. */
export function onGranted(state: State, id: number, out: EffectCollector): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'taking') return;
  const { callers } = lock.phase;
  if (callers.length === 0) {
    beginRelease(state, lock, 'granted after its caller had gone', null, out);
    return;
  }
  if (state.standing.kind === 'isolated') {
    const refusal = refuseForStanding(state.standing);
    for (const { caller } of callers) if (refusal !== null) out.reply(caller, refusal);
    beginRelease(state, lock, 'granted while this node was isolated', null, out);
    return;
  }
  const { wait } = lock.phase;
  if (needsGeneration(lock.facts.mode)) {
    beginClaim(state, lock, { callers, wait, isKept: false, from: null });
  } else becomeHeld(state, lock, callers, null, out);
}

/** `taking -> (nothing)`: refused, cancelled, or failed. */
export function onTakeFailed(
  state: State,
  id: number,
  failure: LockFailure,
  out: EffectCollector,
): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'taking') return;
  // The lock manager's process ended: what became of the take, adoption will tell.
  if (failure.code === 'CHILD_LOST' || failure.code === 'CLOSED') return;
  const { phase, facts } = lock;
  const { resource, mode } = facts;
  const patient = failure.code === 'WOULD_BLOCK' ? whoWouldWait(state, phase) : [];
  if (patient.length > 0) {
    setPhase(state, lock, takingFor(true, patient));
    out.lock({ kind: 'take', id, lockName: facts.lockName, mode, wait: true });
  } else dropLock(state, out, lock, `not granted: ${failure.code}`);
  for (const one of phase.callers) {
    const { caller } = one;
    if (patient.includes(one)) continue;
    const refusal = { caller, resource, mode, except: id, kept: null };
    if (failure.code === 'WOULD_BLOCK') refuseExplained(state, { ...refusal, code: 'HELD' }, out);
    else if (phase.cancelling === 'timeout') {
      refuseExplained(state, { ...refusal, code: 'TIMEOUT' }, out);
    } else out.reply(caller, refuseForFailure(resource, failure));
  }
}

/** Callers who joined an attempt that did not wait, but would. Its intent stands for them. */
function whoWouldWait(state: State, phase: Taking): readonly Caller[] {
  if (phase.wait || phase.cancelling !== 'no' || state.standing.kind !== 'ok') return [];
  return phase.callers.filter(({ waits }) => waits);
}

/**
 * The intent could not be written: `taking -> (nothing)`, and nothing was asked of the kernel.
 * When the lockspace was lost meanwhile, `orphaned | adopting -> (nothing)`.
 */
export function onIntentFailed(
  state: State,
  id: number,
  message: string,
  out: EffectCollector,
): void {
  const lock = state.locks.get(id);
  if (lock === undefined) return;
  const callers = callersOf(lock.phase) ?? [];
  forgetLock(state, lock);
  doneAdopting(state, lock, out);
  if (lock.facts.owner?.kind === 'process') out.unwatchOwner(id);
  for (const { caller } of callers) out.reply(caller, refuseUnlisted(message));
}
