import type { Answer, EffectCollector } from './effect.js';
import type { CoreEvent } from './event.js';
import { beginJoin, findOffer } from './handover-destination.js';
import { refuseHandover } from './handover-refusal.js';
import { HANDOVER_CALLERS_MAX } from './limits.js';
import { refuseForList } from './list-condition.js';
import { viewOwnLock } from './lock-view.js';
import { isSameOwner } from './owner.js';
import { findOwnLock } from './own-locks.js';
import { refuse, refuseForStanding } from './refusal.js';
import { beginRelease } from './release.js';
import type { HandoverCaller, OwnLock, State } from './state.js';

type HandoverEvent = Extract<CoreEvent, { kind: 'handover' }>;

/** It is answered by `settleHandoverCallers`, in this step or a later one; null, or a refusal. */
export function addHandoverCaller(state: State, event: HandoverEvent): Answer | null {
  if (state.handoverCallers.length >= HANDOVER_CALLERS_MAX) {
    return refuse('LIMIT', `${HANDOVER_CALLERS_MAX} callers wait for handovers already`);
  }
  const { caller, action, resource, lockName, owner, waitMs } = event;
  // An open that was accepted is answered by what the kernel says of its own lock, at once.
  const isTimed = waitMs !== null && action !== 'open';
  const deadlineMs = isTimed ? state.monotonicMs + waitMs : null;
  const one = { caller, action, resource, lockName, owner, deadlineMs };
  state.handoverCallers = [...state.handoverCallers, one];
  return null;
}

/** Answers whoever's step has been taken, or can no longer be, or whose time is up. */
export function settleHandoverCallers(state: State, out: EffectCollector): void {
  if (state.handoverCallers.length === 0) return;
  const left: HandoverCaller[] = [];
  const answers: { readonly caller: number; readonly answer: Answer }[] = [];
  for (const one of state.handoverCallers) {
    const lock = findOwnLock(state, one.resource, one.owner);
    const answer = answerStep(state, one, lock, out) ?? answerOverdue(state, one);
    if (answer === null) left.push(one);
    else answers.push({ caller: one.caller, answer });
  }
  const gone = state.handoverCallers.filter((one) => !left.includes(one));
  state.handoverCallers = left;
  for (const { caller, answer } of answers) out.reply(caller, answer);
  for (const one of gone) giveUpJoin(state, one, out);
}

function answerStep(
  state: State,
  one: HandoverCaller,
  lock: OwnLock | undefined,
  out: EffectCollector,
): Answer | null {
  if (state.life.kind === 'stopping' || state.life.kind === 'stopped') {
    return refuse('STOPPING', 'the daemon stops');
  }
  if (lock === undefined) return answerWithout(state, one, out);
  const { handover, phase, facts } = lock;
  if (phase.kind !== 'held') return null;
  const told = { id: facts.id, lock: viewOwnLock(state, lock) };
  if (handover === null) {
    if (one.action === 'open') {
      return refuse('LOCK_MANAGER', `'${one.resource}' could not be offered: it stays ${facts.mode}`);
    }
    return facts.mode === 'EX' ? { kind: 'handover', at: 'exclusive', ...told } : null;
  }
  const { step } = handover;
  if (one.action === 'open') {
    if (step === 'aborting') return refuseHandover(state, lock, handover);
    return { kind: 'handover', at: step === 'offered' ? 'offered' : 'joined', ...told };
  }
  if (one.action !== 'join') return null;
  if (step === 'leaving') return refuseHandover(state, lock, handover);
  return step === 'joined' ? { kind: 'handover', at: 'joined', ...told } : null;
}

/** No lock is here: a join takes it as soon as it is offered, the others have come to an end. */
function answerWithout(
  state: State,
  one: HandoverCaller,
  out: EffectCollector,
): Answer | null {
  if (one.action !== 'join') return { kind: 'handover', at: 'released', lock: null };
  const offer = findOffer(state, one.resource, one.owner);
  const isAble = state.standing.kind === 'ok' && refuseForList(state) === null;
  if (offer !== null && isAble) beginJoin(state, one, offer, out);
  return null;
}

function answerOverdue(
  state: State,
  { deadlineMs, resource, action }: HandoverCaller,
): Answer | null {
  if (deadlineMs === null || state.monotonicMs < deadlineMs) return null;
  const refusal = refuseForStanding(state.standing);
  if (refusal !== null) return refusal;
  if (action === 'join') {
    const text = `nobody hands '${resource}' over to this owner on this node`;
    return refuse('NOT_OFFERED', `${text}, or not yet; see 'holdfast explain'`);
  }
  const text = `the ${action} of the handover of '${resource}' goes on, but is not done yet`;
  return refuse('TIMEOUT', `${text}; see 'holdfast explain'`);
}

/** `held -> releasing` when nobody waits for a join any more that was not confirmed. */
function giveUpJoin(state: State, one: HandoverCaller, out: EffectCollector): void {
  if (one.action !== 'join' || state.handoverCallers.some((other) => isSameJoin(one, other))) return;
  const lock = findOwnLock(state, one.resource, one.owner);
  if (lock?.handover?.step !== 'accepted' || lock.phase.kind !== 'held') return;
  beginRelease(state, lock, 'nobody waits for its handover', null, out);
}

function isSameJoin(one: HandoverCaller, { action, resource, owner }: HandoverCaller): boolean {
  return action === 'join' && resource === one.resource && isSameOwner(owner, one.owner);
}

/** The caller went away. What it asked for goes on, but for a join that was not confirmed. */
export function onHandoverCallerGone(state: State, gone: number, out: EffectCollector): void {
  const one = state.handoverCallers.find(({ caller }) => caller === gone);
  if (one === undefined) return;
  state.handoverCallers = state.handoverCallers.filter((other) => other !== one);
  giveUpJoin(state, one, out);
}
