import type { Answer, EffectCollector } from './effect.js';
import type { CoreEvent, LockFailure } from './event.js';
import { findHolders } from './lock-view.js';
import { describeOwner, isSameOwner, type Owner } from './owner.js';
import { convertMode, dropLock, findOwnLock, ownLocksOf, recordReleasing, setPhase, shownState } from './own-locks.js';
import { refuse } from './refusal.js';
import type { LockPhase, OwnLock, State } from './state.js';
import { abandonTake, cancelCallers } from './waiting.js';

type ReleaseEvent = Extract<CoreEvent, { kind: 'release' }>;
type Releasing = Extract<LockPhase, { kind: 'releasing' }>;
type Away = Extract<LockPhase, { kind: 'orphaned' | 'adopting' }>;

const PENDING: Answer = { kind: 'released', released: true, pending: true };
const NOTHING: Answer = { kind: 'released', released: false, pending: false };
const DONE: Answer = { kind: 'released', released: true, pending: false };

/** `held | converting -> releasing`, `taking -> taking, cancelling`, or an answer. Idempotent. */
export function onRelease(state: State, event: ReleaseEvent, out: EffectCollector): void {
  if (state.life.kind === 'stopped') {
    out.reply(event.caller, refuse('STOPPING', 'the daemon has stopped'));
    return;
  }
  const lock = findOwnLock(state, event.resource, event.owner);
  if (lock === undefined) {
    out.reply(event.caller, answerNotHeld(state, event));
    return;
  }
  const { phase } = lock;
  switch (phase.kind) {
    case 'gathered':
    case 'held':
      beginRelease(state, lock, 'asked for', event.caller, out);
      break;
    case 'converting':
      cancelCallers(lock, out);
      beginRelease(state, lock, 'asked for while it was converted', event.caller, out);
      break;
    case 'parked':
    case 'taking':
    case 'claiming':
      if (isConvertClaiming(phase)) {
        cancelCallers(lock, out);
        beginRelease(state, lock, 'asked for while it was converted', event.caller, out);
        break;
      }
      abandonTake(state, lock, out);
      out.reply(event.caller, NOTHING);
      break;
    case 'releasing':
      joinRelease(state, lock, event.caller, out);
      break;
    case 'orphaned':
    case 'adopting':
      releaseOnAdoption(state, lock, phase, 'asked for while it was being adopted', out);
      out.reply(event.caller, PENDING);
      break;
    case 'quarantined':
      out.reply(event.caller, answerNotHeld(state, event));
      break;
    default:
      phase satisfies never;
  }
}

/** A release that is under way already: `caller` is answered with it, or told that it waits. */
export function joinRelease(
  state: State,
  lock: OwnLock,
  caller: number,
  out: EffectCollector,
): void {
  const { phase } = lock;
  if (phase.kind === 'releasing' && phase.asked && state.standing.kind === 'ok') {
    lock.phase = { ...phase, releasers: [...phase.releasers, { caller }] };
  } else out.reply(caller, PENDING);
}

/** Held already when it was converted, and waiting for the generation of its new mode. */
function isConvertClaiming(phase: LockPhase): boolean {
  return phase.kind === 'claiming' && phase.from !== null;
}

function answerNotHeld(state: State, event: ReleaseEvent): Answer {
  const { resource, owner } = event;
  const others = ownLocksOf(state, resource).filter((lock) => shownState(lock.phase) === 'held');
  const holders = findHolders(state, resource, 'EX', null);
  const elsewhere = holders.find(
    (view) => view.owner !== null && isSameOwner(view.owner, owner),
  );
  const who = describeOwner(owner);
  if (elsewhere !== undefined) {
    const where = elsewhere.node.name;
    return refuse('NOT_HELD', `${who} holds '${resource}' on ${where}; release it there`, holders);
  }
  if (others.length > 0) {
    const text = `'${resource}' is held here, but not by ${who}; name its owner to release it`;
    return refuse('NOT_OWNER', text, holders);
  }
  return NOTHING;
}

/**
 * `held | gathered | converting | taking | claiming | quarantined -> releasing`. `caller` is
 * answered when the kernel confirms. A convert that is under way ends with the lock.
 */
export function beginRelease(
  state: State,
  lock: OwnLock,
  why: string,
  caller: number | null,
  out: EffectCollector,
): void {
  recordReleasing(state, lock, why, out);
  const asked = mayUnlock(state);
  // Where the lockspace may be stopping unseen, nobody is made to wait for its answer.
  const waits = asked && state.standing.kind === 'ok';
  const releasers = caller !== null && waits ? [{ caller }] : [];
  const to = convertMode(lock.phase);
  setPhase(state, lock, { kind: 'releasing', asked, why, to, releasers });
  if (asked) out.lock({ kind: 'unlock', id: lock.facts.id, force: to !== null });
  if (caller !== null && !waits) out.reply(caller, PENDING);
}

/** What the kernel still has of it is unlocked as soon as it is adopted; callers get nothing. */
export function releaseOnAdoption(
  state: State,
  lock: OwnLock,
  phase: Away,
  why: string,
  out: EffectCollector,
): void {
  if (phase.was === 'releasing') return;
  cancelCallers(lock, out);
  lock.phase = { ...phase, was: 'releasing', callers: [] };
  recordReleasing(state, lock, why, out);
}

/** Whether an unlock may be asked of the kernel: in a stopped lockspace it would only hang. */
export function mayUnlock(state: State): boolean {
  return state.lockspaceLink.kind === 'open' && state.condition.kind === 'running';
}

/** `releasing -> releasing, asked`: the lockspace runs, so what waited for it goes on. */
export function resumeReleases(state: State, out: EffectCollector): void {
  if (!mayUnlock(state)) return;
  for (const lock of state.locks.values()) {
    if (lock.phase.kind !== 'releasing' || lock.phase.asked) continue;
    lock.phase = { ...lock.phase, asked: true };
    out.lock({ kind: 'unlock', id: lock.facts.id, force: convertMode(lock.phase) !== null });
  }
}

/** The lockspace stopped: whoever waits for an unlock is told that it will be finished later. */
export function answerStalledReleases(state: State, out: EffectCollector): void {
  for (const lock of state.locks.values()) {
    const { phase } = lock;
    if (phase.kind !== 'releasing' || phase.releasers.length === 0) continue;
    for (const { caller } of phase.releasers) out.reply(caller, PENDING);
    lock.phase = { ...phase, releasers: [] };
  }
}

/** `releasing -> (nothing)`: the kernel has confirmed it. */
export function onUnlocked(state: State, id: number, out: EffectCollector): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'releasing') return;
  finish(state, lock, lock.phase, out);
}

function finish(state: State, lock: OwnLock, phase: Releasing, out: EffectCollector): void {
  dropLock(state, out, lock, `released: ${phase.why}`);
  for (const { caller } of phase.releasers) out.reply(caller, DONE);
}

/**
 * The unlock failed. A lock manager that does not know it has nothing left to unlock; any other
 * failure leaves the lock as it is, to be tried again at the next look at the lockspace.
 */
export function onUnlockFailed(
  state: State,
  id: number,
  failure: LockFailure,
  out: EffectCollector,
): void {
  const lock = state.locks.get(id);
  if (lock?.phase.kind !== 'releasing') return;
  // The lock manager's process ended: what became of the unlock, adoption will tell.
  if (failure.code === 'CHILD_LOST' || failure.code === 'CLOSED') return;
  const { phase, facts } = lock;
  if (failure.code === 'UNKNOWN_LOCK') {
    finish(state, lock, phase, out);
    return;
  }
  lock.phase = { ...phase, asked: false, releasers: [] };
  for (const { caller } of phase.releasers) out.reply(caller, PENDING);
  out.log('error', `'${facts.resource}' could not be unlocked: ${failure.message}`);
}

/** The owning process has ended: everything of it is released or no longer waited for. */
export function onOwnerEnded(state: State, owner: Owner, out: EffectCollector): void {
  for (const lock of state.locks.values()) {
    if (lock.facts.owner === null || !isSameOwner(lock.facts.owner, owner)) continue;
    giveUp(state, lock, 'its owner has ended', out);
  }
}

/**
 * The kernel has granted it and the list does not say so: after a crash it would be taken for one
 * that nobody was told of, so nobody is, and it is given back.
 */
export function onHeldUnlisted(
  state: State,
  { id, message }: { readonly id: number; readonly message: string },
  out: EffectCollector,
): void {
  const lock = state.locks.get(id);
  if (lock === undefined) return;
  out.log('error', `'${lock.facts.resource}' could not be listed as held: ${message}`);
  giveUp(state, lock, 'it could not be listed as held', out);
}

/** Whatever has become of it meanwhile, nobody is to have it any more. */
function giveUp(state: State, lock: OwnLock, why: string, out: EffectCollector): void {
  const { phase } = lock;
  switch (phase.kind) {
    case 'gathered':
    case 'held':
      out.log('info', `'${lock.facts.resource}' is released: ${why}`);
      beginRelease(state, lock, why, null, out);
      break;
    case 'converting':
      out.log('info', `'${lock.facts.resource}' is released: ${why}`);
      cancelCallers(lock, out);
      beginRelease(state, lock, why, null, out);
      break;
    case 'parked':
    case 'taking':
    case 'claiming':
      if (isConvertClaiming(phase)) {
        cancelCallers(lock, out);
        beginRelease(state, lock, why, null, out);
      } else abandonTake(state, lock, out);
      break;
    case 'orphaned':
    case 'adopting':
      if (phase.was === 'quarantined' || phase.was === 'releasing') break;
      out.log('info', `'${lock.facts.resource}' is released: ${why}`);
      releaseOnAdoption(state, lock, phase, why, out);
      break;
    case 'releasing':
    case 'quarantined':
      break;
    default:
      phase satisfies never;
  }
}
