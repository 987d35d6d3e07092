import type { Answer, EffectCollector } from './effect.js';
import type { CoreEvent } from './event.js';
import type { Handover } from './handover.js';
import { addHandoverCaller } from './handover-callers.js';
import { askToLeave } from './handover-destination.js';
import { refuseHandover } from './handover-refusal.js';
import { abortAtSource, openHandover } from './handover-source.js';
import { OFFER_MS, OFFER_MS_MAX } from './limits.js';
import { findHolders, viewOwnLock } from './lock-view.js';
import { describeOwner, isSameOwner } from './owner.js';
import { findOwnLock } from './own-locks.js';
import { refuse, refuseForStanding } from './refusal.js';
import { beginRelease } from './release.js';
import type { OwnLock, Peer, State } from './state.js';

type HandoverEvent = Extract<CoreEvent, { kind: 'handover' }>;

/** The owner asks for a step; an answer at once, or when the step has been taken. Idempotent. */
export function onHandover(state: State, event: HandoverEvent, out: EffectCollector): void {
  if (state.life.kind !== 'running') {
    out.reply(event.caller, refuseNotRunning(state));
    return;
  }
  const lock = findOwnLock(state, event.resource, event.owner);
  const answer = answerAction(state, event, lock, out);
  if (answer !== null) out.reply(event.caller, answer);
}

function refuseNotRunning(state: State): Answer {
  return refuseForStanding(state.standing)
    ?? refuse('STOPPING', 'the daemon is stopping: it hands nothing over');
}

function answerAction(
  state: State,
  event: HandoverEvent,
  lock: OwnLock | undefined,
  out: EffectCollector,
): Answer | null {
  switch (event.action) {
    case 'open':
      return lock === undefined ? refuseNotHeld(state, event) : open(state, event, lock, out);
    case 'join':
      if (lock !== undefined && lock.handover?.role !== 'destination') {
        return answerHeld(state, lock);
      }
      return addHandoverCaller(state, event);
    case 'finish':
      return lock === undefined ? answerGone(state, event) : finish(state, event, lock, out);
    case 'abort':
      return lock === undefined ? answerGone(state, event) : abort(state, event, lock, out);
    default:
      return event.action satisfies never;
  }
}

function open(
  state: State,
  event: HandoverEvent,
  lock: OwnLock,
  out: EffectCollector,
): Answer | null {
  const peer = findPeer(state, event.to ?? '');
  if (peer === null) {
    const text = `there is no other node '${event.to ?? ''}' whose daemon runs and is known`;
    return refuse('NO_SUCH_NODE', `${text}; see 'holdfast nodes'`);
  }
  const { handover } = lock;
  if (handover !== null) {
    const isSame = handover.role === 'source' && handover.nodeId === peer.nodeId;
    const isOpen = handover.step === 'offered' || handover.step === 'joined';
    if (!isSame || !isOpen) return refuseHandover(state, lock, handover);
    return addHandoverCaller(state, event);
  }
  const offerMs = Math.min(event.waitMs ?? OFFER_MS, OFFER_MS_MAX);
  return openHandover(state, lock, peer, offerMs, out) ?? addHandoverCaller(state, event);
}

/** By name or number; only one that could join now. */
function findPeer(state: State, to: string): Peer | null {
  for (const peer of state.peers.values()) {
    const isMeant = peer.name === to || String(peer.nodeId) === to;
    if (isMeant && (peer.state === 'synced' || peer.state === 'stale')) return peer;
  }
  return null;
}

/** `held -> releasing` at the source, which has seen the other's CW; at the destination a wait. */
function finish(
  state: State,
  event: HandoverEvent,
  lock: OwnLock,
  out: EffectCollector,
): Answer | null {
  const { handover } = lock;
  if (handover === null) return answerHeld(state, lock);
  if (handover.role === 'destination') return addHandoverCaller(state, event);
  if (handover.step === 'aborting') return refuseHandover(state, lock, handover);
  if (handover.step !== 'joined' || lock.phase.kind !== 'held') return refuseNotJoined(lock);
  const refusal = addHandoverCaller(state, event);
  if (refusal !== null) return refusal;
  beginRelease(state, lock, 'handed over', null, out);
  return null;
}

function refuseNotJoined({ facts: { resource } }: OwnLock): Answer {
  const text = `the other node has not joined the handover of '${resource}': released now, it ` +
    'would be anybody\'s';
  return refuse('NOT_JOINED', `${text}; join there first, or abort`);
}

function abort(
  state: State,
  event: HandoverEvent,
  lock: OwnLock,
  out: EffectCollector,
): Answer | null {
  const { handover } = lock;
  if (handover === null) return answerHeld(state, lock);
  const refusal = addHandoverCaller(state, event);
  if (refusal !== null) return refusal;
  if (handover.role === 'source') abortAtSource(state, lock, out);
  else askToLeave(state, lock, out);
  return null;
}

/** There is a lock, and nothing under way: the handover has ended here, or never was. */
function answerHeld(state: State, lock: OwnLock): Answer {
  const { phase, facts } = lock;
  if (phase.kind === 'held' && facts.mode === 'EX') {
    const view = viewOwnLock(state, lock);
    return { kind: 'handover', at: 'exclusive', id: facts.id, lock: view };
  }
  const handover: Handover | null = lock.handover;
  if (handover !== null) return refuseHandover(state, lock, handover);
  return refuse('BUSY', `'${facts.resource}' is held or asked for here in another way`);
}

/** Nothing is here: it has been handed over, if its owner holds it elsewhere. */
function answerGone(state: State, event: HandoverEvent): Answer {
  const isElsewhere = findHolders(state, event.resource, 'EX', null).some((view) => {
    return view.owner !== null && isSameOwner(view.owner, event.owner);
  });
  if (!isElsewhere) return refuseNotHeld(state, event);
  return { kind: 'handover', at: 'released', lock: null };
}

function refuseNotHeld(state: State, { resource, owner }: HandoverEvent): Answer {
  const holders = findHolders(state, resource, 'EX', null);
  const text = `${describeOwner(owner)} holds no lock on '${resource}' on this node`;
  return refuse('NOT_HELD', text, holders);
}
