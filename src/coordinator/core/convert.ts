import { beginStep } from './convert-step.js';
import { refuseForNumber } from './begin-claim.js';
import { abandonStep, type Converting } from './convert-waiting.js';
import type { Answer, EffectCollector } from './effect.js';
import type { CoreEvent } from './event.js';
import { refuseHandover } from './handover-refusal.js';
import { CALLERS_PER_LOCK_MAX, NO_WAIT_MS_MAX } from './limits.js';
import { refuseForList } from './list-condition.js';
import { findHolders, viewOwnLock } from './lock-view.js';
import { covers, type LockMode } from './mode.js';
import { describeOwner, isSameOwner } from './owner.js';
import { findOwnLock } from './own-locks.js';
import { refuseInQuestion } from './recheck-state.js';
import { refuse, refuseBusy, refuseForStanding, refuseFull, refuseHeld } from './refusal.js';
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
    const view = viewOwnLock(state, lock);
    return { kind: 'converted', id: lock.facts.id, lock: view, from: mode, pending: false };
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
  const view = viewOwnLock(state, lock);
  return (
    refuseInQuestion(state, lock) ??
    { kind: 'acquired', id: lock.facts.id, lock: view, acquired: false }
  );
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
    return refuseFull(resource);
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

/** `converting -> held`, or `-> converting, canceled` when the kernel was asked: a stop. */
export function abandonConvert(
  state: State,
  lock: OwnLock,
  phase: Converting,
  out: EffectCollector,
): void {
  abandonStep(state, lock, phase, refuse('CANCELED', 'the daemon stops'), out);
}
