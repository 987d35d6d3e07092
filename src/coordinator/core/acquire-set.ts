import { numberField } from './record.js';
import { onAcquire } from './acquire.js';
import type { Answer, EffectCollector } from './effect.js';
import type { CoreEvent } from './event.js';
import { CANCEL_GRACE_MS, OWN_LOCKS_MAX, SETS_MAX } from './limits.js';
import { refuseUnlisted } from './list-condition.js';
import { callerOfSet, inOrder, type LockSet, type SetMember } from './lock-set.js';
import { viewOwnLock } from './lock-view.js';
import { covers, type LockMode } from './mode.js';
import { describeOwner, type Owner } from './owner.js';
import { findOwnLock, setPhase } from './own-locks.js';
import { refuse, refuseForStanding, type Refusal } from './refusal.js';
import { giveBack } from './set-rollback.js';
import type { OwnLock, State } from './state.js';
import type { LockView } from './view.js';

type AcquireSetEvent = Extract<CoreEvent, { kind: 'acquire-set' }>;

/** `(nothing) -> taking`, or an answer at once. All of it is granted in the end, or nothing. */
export function onAcquireSet(state: State, event: AcquireSetEvent, out: EffectCollector): void {
  const { caller, owner, members, waitMs } = event;
  const refusal = refuseSet(state, event);
  if (refusal !== null) {
    out.reply(caller, refusal);
    return;
  }
  const waits = waitMs !== 0;
  const set: LockSet = {
    number: state.nextLockId,
    caller,
    owner,
    asked: members,
    ordered: inOrder(members),
    waits,
    deadlineMs: waits && waitMs !== null ? state.monotonicMs + waitMs : null,
    takenIds: [],
    phase: { kind: 'taking', next: 0 },
  };
  state.sets.set(set.number, set);
  takeFrom(state, set, 0, out);
}

/** Why not even its first member is asked for; null when it may begin. */
function refuseSet(state: State, { owner, members }: AcquireSetEvent): Refusal | null {
  if (state.life.kind === 'stopped') return refuse('STOPPING', 'the daemon has stopped');
  // What nobody can vouch for is not confirmed either.
  if (state.standing.kind === 'isolated') return refuseForStanding(state.standing);
  if (state.sets.size >= SETS_MAX) {
    return refuse('LIMIT', `${SETS_MAX} sets are being taken on this node; try again later`);
  }
  let missing = 0;
  for (const member of members) {
    const found = judgeMember(state, owner, member);
    if (found === 'absent') missing += 1;
    else if (found !== 'held') return found;
  }
  if (missing === 0 || state.locks.size + missing <= OWN_LOCKS_MAX) return null;
  return refuse('LIMIT', `this node may hold ${OWN_LOCKS_MAX} locks; release some first`);
}

/** Whether the owner has it already, and if not, whether it may be taken for a set. */
function judgeMember(state: State, owner: Owner, member: SetMember): 'held' | 'absent' | Refusal {
  const lock = findOwnLock(state, member.resource, owner);
  if (lock === undefined) return 'absent';
  const { facts, phase } = lock;
  const who = describeOwner(owner);
  if (phase.kind !== 'held') {
    const text = `'${facts.resource}' is just changing hands for ${who}; try again`;
    return refuse('BUSY', text);
  }
  if (facts.mode === member.mode || facts.mode === 'EX') return 'held';
  const text = `${who} holds '${facts.resource}' in ${facts.mode}, and a set does not convert it`;
  return refuse('BUSY', `${text} to ${member.mode}; convert or release it first`);
}

/** `taking -> taking`, one further; `-> listing` behind the last; or `-> rolling-back`. */
function takeFrom(state: State, set: LockSet, first: number, out: EffectCollector): void {
  for (const [next, member] of set.ordered.entries()) {
    if (next < first) continue;
    const found = judgeMember(state, set.owner, member);
    if (found === 'held') continue;
    if (found !== 'absent') {
      rollBack(state, set, found, out);
      return;
    }
    set.phase = { kind: 'taking', next };
    take(state, set, member, out);
    return;
  }
  list(state, set, out);
}

/** Its answer comes to `onMemberAnswer`, in this step or a later one. */
function take(state: State, set: LockSet, member: SetMember, out: EffectCollector): void {
  const { owner, number, deadlineMs } = set;
  const leftMs = deadlineMs === null ? (set.waits ? null : 0) : deadlineMs - state.monotonicMs;
  if (deadlineMs !== null && state.monotonicMs >= deadlineMs) {
    const text = `the time was up before '${member.resource}' could be asked for`;
    rollBack(state, set, refuse('TIMEOUT', text), out);
    return;
  }
  const caller = callerOfSet(number);
  const id = state.nextLockId;
  onAcquire(state, { kind: 'acquire', caller, ...member, owner, waitMs: leftMs, set: number }, out);
  if (state.locks.has(id)) set.takenIds.push(id);
}

/** A member's lock was granted or refused, as if its set were a caller of its own. */
export function onMemberAnswer(
  state: State,
  number: number,
  answer: Answer,
  out: EffectCollector,
): void {
  const set = state.sets.get(number);
  // While it is rolled back it hears of the cancelling of what it waited for.
  if (set?.phase.kind !== 'taking') return;
  if (answer.kind === 'refused') rollBack(state, set, answer, out);
  else takeFrom(state, set, set.phase.next + 1, out);
}

/** `taking -> listing`: nobody is told before all are written as held, in one append. */
function list(state: State, set: LockSet, out: EffectCollector): void {
  set.phase = { kind: 'listing' };
  for (const id of set.takenIds) {
    const generation = state.locks.get(id)?.generation ?? null;
    const more = numberField(generation);
    out.persist({ kind: 'held', at: state.wallMs, id, ...more });
  }
  if (set.takenIds.length === 0) onSetListed(state, set.number, out);
  else out.confirmSet(set.number, set.takenIds);
}

/** `listing -> (nothing)`: all are listed as held, and the caller is told. */
export function onSetListed(state: State, number: number, out: EffectCollector): void {
  const set = state.sets.get(number);
  if (set?.phase.kind !== 'listing') return;
  const refusal = state.standing.kind === 'isolated' ? refuseForStanding(state.standing) : null;
  const locks = set.asked.map((member) => findOwnLock(state, member.resource, set.owner));
  const gone = set.asked.find(({ mode }, at) => !isThere(set, locks[at], mode));
  if (refusal !== null || gone !== undefined) {
    const text = `'${gone?.resource}' is no longer held as it was at the beginning; try again`;
    rollBack(state, set, refusal ?? refuse('BUSY', text), out);
    return;
  }
  const members: { id: number; lock: LockView; acquired: boolean }[] = [];
  for (const lock of locks) {
    if (lock === undefined) continue;
    const acquired = lock.phase.kind === 'gathered';
    if (acquired) becomeHeld(state, lock);
    members.push({ id: lock.facts.id, lock: viewOwnLock(state, lock), acquired });
  }
  state.sets.delete(set.number);
  out.reply(set.caller, { kind: 'acquired-set', members });
}

/** What its owner held before may have been converted down while the rest was taken. */
function isThere(set: LockSet, lock: OwnLock | undefined, mode: LockMode): boolean {
  if (lock === undefined || !covers(lock.facts.mode, mode)) return false;
  return lock.phase.kind === (set.takenIds.includes(lock.facts.id) ? 'gathered' : 'held');
}

/** `gathered -> held`. */
function becomeHeld(state: State, lock: OwnLock): void {
  setPhase(state, lock, { kind: 'held' });
  // The others were told that it is in their way; whoever watches is to hear that it is held.
  state.announced.delete(lock.facts.id);
}

/** `listing -> rolling-back`: held locks that are not listed as such would not be adopted. */
export function onSetUnlisted(
  state: State,
  number: number,
  message: string,
  out: EffectCollector,
): void {
  const set = state.sets.get(number);
  if (set?.phase.kind !== 'listing') return;
  rollBack(state, set, refuseUnlisted(message), out);
}

/**
 * `taking | listing -> rolling-back`: what it took is given back, and only then is its caller told
 * why. What its owner held before stays.
 */
export function rollBack(
  state: State,
  set: LockSet,
  refusal: Refusal | null,
  out: EffectCollector,
): void {
  set.phase = { kind: 'rolling-back', refusal, untilMs: state.monotonicMs + CANCEL_GRACE_MS };
  for (const id of set.takenIds) giveBack(state, id, out);
}
