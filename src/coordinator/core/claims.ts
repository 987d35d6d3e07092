import { refuseNumber } from './begin-claim.js';
import { takeBack } from './convert-step.js';
import type { EffectCollector } from './effect.js';
import { isLossSettled, keyOf } from './epoch.js';
import type { GroupMember } from './event.js';
import {
  expire, expireReservation, hearClaim, hearFloor, hearHello, makeClaim, mayClaim,
  mayTellFloor, onReserved, onReserveFailed, proveEcho, reserveAbove, RESERVE_STALL_MS, startAt,
} from './generations.js';
import { becomeHeld } from './grant.js';
import { canSend, sayHello } from './manifest-sender.js';
import type { Envelope } from './message.js';
import type { ListedLock } from './record.js';
import { refuseForStanding } from './refusal.js';
import { beginRelease } from './release.js';
import { count, type Caller, type LockPhase, type OwnLock, type State } from './state.js';

type Claiming = Extract<LockPhase, { kind: 'claiming' }>;

/** The list has been read: where the numbers of this node begin. */
export function startGenerations(
  state: State,
  found: { readonly upTo: number; readonly isCertain: boolean },
  listed: readonly ListedLock[],
  out: EffectCollector,
): void {
  const told = Math.max(0, ...listed.map(({ generation }) => generation ?? 0));
  startAt(state.generations, { upTo: found.upTo, told }, state.wallMs);
  if (found.isCertain) return;
  const text = `the lock list was damaged and may have lost the last generation it kept: numbers ` +
    `go on from what the other nodes know and from this node's clock`;
  out.log('warn', text);
  state.warnings.set('generations', text);
}

/**
 * Takes up what a message says of generations. Unlike a manifest it is heard whatever ring it was
 * sent in: all members must count alike, and a number that is known too early does no harm.
 */
export function hearGenerations(state: State, from: GroupMember, envelope: Envelope): void {
  const { body, incarnation } = envelope;
  const { generations } = state;
  if (body.kind === 'hello') {
    hearHello(generations, keyOf(from), { view: body.view, floor: body.generationFloor });
  } else if (body.kind === 'floor') {
    hearFloor(generations, keyOf(from), body);
  } else if (body.kind === 'claim') {
    const isOwn = from.nodeId === state.self.nodeId && incarnation === state.self.incarnation;
    const claimed = hearClaim(generations, body, isOwn);
    if (claimed !== null) number(state, claimed.first, claimed.lockIds);
  }
}

/** The numbers of a claim go to the locks it was made for; those that have gone waste theirs. */
function number(state: State, first: number, lockIds: readonly number[]): void {
  for (const [index, id] of lockIds.entries()) {
    const lock = state.locks.get(id);
    if (lock?.phase.kind === 'claiming') lock.phase = { ...lock.phase, number: first + index };
  }
}

/** The mark is on disk up to there. */
export function onGenerationsReserved(state: State, upTo: number): void {
  onReserved(state.generations, upTo);
  state.warnings.delete('generations-mark');
}

/**
 * `claiming -> releasing`: the mark could not be raised, so a number above it, lost in a crash,
 * might be given twice. What needs one is given back; what is held stays.
 */
export function onReservationFailed(state: State, message: string, out: EffectCollector): void {
  onReserveFailed(state.generations, state.monotonicMs);
  giveUpReservation(state, message, out);
}

function giveUpReservation(state: State, message: string, out: EffectCollector): void {
  const text = `generations cannot be reserved: ${message}; no exclusive lock is granted until ` +
    `the lock list can be written again`;
  state.warnings.set('generations-mark', text);
  refuseUnreserved(state, out);
}

/** `claiming -> releasing`: what has a number that the disk does not take. */
function refuseUnreserved(state: State, out: EffectCollector): void {
  const { generations } = state;
  if (generations.reserving.kind !== 'failed') return;
  for (const lock of claimingLocks(state)) {
    const { phase } = lock;
    if (phase.kind !== 'claiming' || phase.isKept) continue;
    if (phase.number === null || phase.number <= generations.mark) continue;
    for (const { caller } of phase.callers) out.reply(caller, refuseNumber(state));
    if (phase.from !== null) takeBack(state, lock, phase.from, out);
    else beginRelease(state, lock, 'its generation could not be kept', null, out);
  }
}

/**
 * Moves on what waits for a generation, as far as it may now: at the end of every step. Locks
 * that nobody wants any more, and all that callers wait for while this node is isolated, are
 * given back.
 */
export function settleClaims(state: State, out: EffectCollector): void {
  const { generations } = state;
  giveBack(state, out);
  goOnWithout(state, out);
  if (expireReservation(generations, state.monotonicMs)) {
    giveUpReservation(state, `the disk has not answered within ${RESERVE_STALL_MS / 1000} s`, out);
  }
  if (mayTellFloor(generations) && canSend(state)) tellFloor(state, out);
  for (const lock of claimingLocks(state)) {
    const { phase } = lock;
    if (phase.kind !== 'claiming' || phase.number === null) continue;
    if (phase.number <= generations.mark) becomeHeld(state, lock, phase.callers, phase.number, out);
  }
  refuseUnreserved(state, out);
  prove(state, out);
  claim(state, out);
  const above = state.life.kind === 'stopped' ? null : reserveAbove(generations, state.monotonicMs);
  if (above !== null) out.reserveGenerations(above);
}

function giveBack(state: State, out: EffectCollector): void {
  for (const lock of claimingLocks(state)) {
    const { phase } = lock;
    if (phase.kind !== 'claiming') continue;
    const refusal = state.standing.kind === 'isolated' ? refuseForStanding(state.standing) : null;
    if (refusal !== null) {
      for (const { caller } of phase.callers) out.reply(caller, refusal);
      if (phase.isKept) setCallers(lock, phase, []);
      else if (phase.from !== null) takeBack(state, lock, phase.from, out);
      else beginRelease(state, lock, 'granted while this node was isolated', null, out);
    } else if (phase.callers.length === 0 && !phase.isKept) {
      if (phase.from !== null) takeBack(state, lock, phase.from, out);
      else beginRelease(state, lock, 'granted after its caller had gone', null, out);
    }
  }
}

function setCallers(lock: OwnLock, phase: Claiming, callers: readonly Caller[]): void {
  lock.phase = { ...phase, callers };
}

/** What did not come in time: members that are silent are no longer waited for. */
function goOnWithout(state: State, out: EffectCollector): void {
  const overdue = expire(state.generations, state.monotonicMs, state.wallMs);
  if (overdue === null) return;
  if (overdue === 'hello') {
    sayHello(state, out);
    return;
  }
  for (const member of overdue.silent) {
    count(state, 'generations_without_member');
    out.log('warn', `process ${member} (node/pid) of the group does not say which generations ` +
      `it knows: going on without it, ${DEFENCE}`);
  }
}

const DEFENCE = 'above what all others know and what the clock says';

function tellFloor(state: State, out: EffectCollector): void {
  const { epoch, known } = state.generations;
  if (epoch.kind !== 'open') return;
  epoch.hasToldFloor = true;
  out.send({ kind: 'floor', view: epoch.view, floor: known });
}

function prove(state: State, out: EffectCollector): void {
  if (!canSend(state)) return;
  const proof = proveEcho(state.generations, state.monotonicMs);
  if (proof !== null) out.send({ kind: 'claim', ...proof });
}

function claim(state: State, out: EffectCollector): void {
  const { generations, standing } = state;
  if (state.claimingIds.size === 0 || standing.kind !== 'ok') return;
  if (!mayClaim(generations) || !isLossSettled(state) || !canSend(state)) return;
  const ids = claimingLocks(state).flatMap(({ facts, phase }) => {
    return phase.kind === 'claiming' && phase.number === null ? [facts.id] : [];
  });
  if (ids.length === 0) return;
  out.send({ kind: 'claim', ...makeClaim(generations, ids, state.monotonicMs) });
}

function claimingLocks(state: State): readonly OwnLock[] {
  return [...state.claimingIds].flatMap((id) => state.locks.get(id) ?? []);
}
