import { numberField } from './record.js';
import { beginStep } from './convert-step.js';
import type { Answer, EffectCollector } from './effect.js';
import { HANDOVER_CALLERS, handoverField, type Handover, type HandoverStep } from './handover.js';
import { otherEnd } from './handover-peer.js';
import { HANDOVER_BLIND_RETRY_MS, HANDOVER_RETRY_MS } from './limits.js';
import { refuseForList } from './list-condition.js';
import { refuse, refuseForStanding } from './refusal.js';
import { describeOwner } from './owner.js';
import { markChanged } from './own-locks.js';
import type { OwnLock, Peer, State } from './state.js';

/**
 * `held -> converting`, from EX to CW: the lock is offered to that node until `offerMs` are over.
 * Null, or why not. From here on its owner may not rely on being alone.
 */
export function openHandover(
  state: State,
  lock: OwnLock,
  to: Peer,
  offerMs: number,
  out: EffectCollector,
): Answer | null {
  const { resource, mode, owner, id } = lock.facts;
  const refusal = refuseForStanding(state.standing) ?? refuseForList(state);
  if (refusal !== null) return refusal;
  if (lock.phase.kind !== 'held') {
    return refuse('BUSY', `'${resource}' is just changing hands; try again`);
  }
  if (mode !== 'EX' || owner?.kind !== 'named') {
    const what = mode === 'EX' ? 'is held for a process' : `is held in ${mode}`;
    const which = 'only a lock in EX of a named owner can be handed over';
    return refuse('NOT_OWNER', `'${resource}' ${what}: ${which}`);
  }
  lock.handover = {
    id: `${state.self.incarnation}-${id}-${state.manifestVersion}`,
    role: 'source',
    nodeId: to.nodeId,
    step: 'offered',
    since: state.wallMs,
    untilMs: state.monotonicMs + offerMs,
    triedMs: null,
  };
  out.log('info', `'${resource}' of ${describeOwner(owner)} is handed over to ${to.name}`);
  const way = { from: mode, goal: 'CW', wait: false, callers: HANDOVER_CALLERS } as const;
  beginStep(state, lock, way, out);
  return null;
}

/** What is due at the source of a handover, as far as it is known now. Its lock is held in CW. */
export function driveSource(
  state: State,
  lock: OwnLock,
  handover: Handover,
  out: EffectCollector,
): void {
  const other = otherEnd(state, lock, handover.nodeId);
  const there = other.kind === 'there' ? other.entry : null;
  const theirs = there?.handover?.id === handover.id ? there.handover.step : null;
  switch (handover.step) {
    case 'offered':
      if (theirs === 'leaving') noteStep(state, lock, 'aborting', out);
      else if (theirs !== null) noteStep(state, lock, 'joined', out);
      else if (handover.untilMs !== null && state.monotonicMs >= handover.untilMs) {
        out.log('warn', `nobody took '${lock.facts.resource}' over in time: it is kept here`);
        noteStep(state, lock, 'aborting', out);
      }
      break;
    case 'joined':
      if (theirs === 'leaving') noteStep(state, lock, 'aborting', out);
      else if (other.kind === 'gone') becomeExclusive(state, lock, handover, out);
      break;
    case 'aborting':
      if (theirs !== null) break;
      if (other.kind !== 'unknown' || isTryDue(state, handover, HANDOVER_BLIND_RETRY_MS)) {
        becomeExclusive(state, lock, handover, out);
      }
      break;
    case 'accepted':
    case 'leaving':
      break;
    default:
      handover.step satisfies never;
  }
}

/**
 * `held -> held`, in CW: from now on it goes back, whatever the other end says. Ends with EX as
 * soon as the other end has given up its CW.
 */
export function abortAtSource(state: State, lock: OwnLock, out: EffectCollector): void {
  if (lock.handover === null || lock.handover.step === 'aborting') return;
  noteStep(state, lock, 'aborting', out);
}

/**
 * Another step of the same handover, written with the mode that is held. In a convert the record
 * of that convert's end says it.
 */
export function noteStep(
  state: State,
  lock: OwnLock,
  step: HandoverStep,
  out: EffectCollector,
): void {
  if (lock.handover === null) return;
  lock.handover = { ...lock.handover, step, untilMs: null, triedMs: null };
  const { id, mode } = lock.facts;
  markChanged(state, lock);
  if (lock.phase.kind !== 'held') return;
  const number = numberField(lock.generation);
  out.persist({
    kind: 'held', at: state.wallMs, id, mode, ...number, ...handoverField(lock.handover),
  });
}

/**
 * `held -> converting`, from CW to EX, without waiting, at either end: the kernel refuses while the
 * other end has anything, and then it is tried again by and by. In the queue a third who waits
 * would stand before it, whom our CW keeps out.
 */
export function becomeExclusive(
  state: State,
  lock: OwnLock,
  handover: Handover,
  out: EffectCollector,
): void {
  if (!isTryDue(state, handover, HANDOVER_RETRY_MS)) return;
  lock.handover = { ...handover, triedMs: state.monotonicMs };
  const way = { from: lock.facts.mode, goal: 'EX', wait: false, callers: HANDOVER_CALLERS } as const;
  beginStep(state, lock, way, out);
}

function isTryDue(state: State, { triedMs }: Handover, pauseMs: number): boolean {
  return triedMs === null || state.monotonicMs - triedMs >= pauseMs;
}
