import { onAcquireSet, onMemberAnswer, onSetListed, onSetUnlisted, rollBack } from './acquire-set.js';
import type { EffectCollector } from './effect.js';
import type { CoreEvent } from './event.js';
import { setOfCaller, type LockSet } from './lock-set.js';
import { isSameOwner, type Owner } from './owner.js';
import { refuse } from './refusal.js';
import { settleRollBack } from './set-rollback.js';
import type { State } from './state.js';

type SetEvent = Extract<CoreEvent, { kind: 'acquire-set' | 'set-listed' | 'set-unlisted' }>;

/** What happens to a set itself. */
export function handleSet(state: State, event: SetEvent, out: EffectCollector): void {
  switch (event.kind) {
    case 'acquire-set':
      onAcquireSet(state, event, out);
      break;
    case 'set-listed':
      onSetListed(state, event.set, out);
      break;
    case 'set-unlisted':
      onSetUnlisted(state, event.set, event.message, out);
      break;
    default:
      event satisfies never;
  }
}

/** Before anything else in a step: ends the sets that this event leaves without a purpose. */
export function endSets(state: State, event: CoreEvent, out: EffectCollector): void {
  if (event.kind === 'release') cancelSetsWith(state, event, out);
  else if (event.kind === 'owner-ended') cancelSetsOf(state, event.owner, out);
  else if (event.kind === 'caller-gone') onSetCallerGone(state, event.caller, out);
}

/** At the end of every step: hands the sets what their members were told, and lets them go on. */
export function settleSets(state: State, out: EffectCollector): void {
  if (state.life.kind === 'stopping') abandonSets(state, out);
  // Ends: each answer moves one set on by at least one member, or ends it.
  for (let answers = out.takeInner(); answers.length > 0; answers = out.takeInner()) {
    for (const { caller, answer } of answers) {
      const set = setOfCaller(caller);
      if (set !== null) onMemberAnswer(state, set, answer, out);
    }
  }
  for (const set of state.sets.values()) settleRollBack(state, set, out);
}

/** The owner gives one member back while the set is under way: so it does not want the set. */
function cancelSetsWith(
  state: State,
  { owner, resource }: { readonly owner: Owner; readonly resource: string },
  out: EffectCollector,
): void {
  const text = `'${resource}' was released while the set was being taken`;
  for (const set of setsUnderWay(state)) {
    const isMember = set.asked.some((member) => member.resource === resource);
    if (isMember && isSameOwner(set.owner, owner)) {
      rollBack(state, set, refuse('CANCELED', text), out);
    }
  }
}

function cancelSetsOf(state: State, owner: Owner, out: EffectCollector): void {
  for (const set of setsUnderWay(state)) {
    if (!isSameOwner(set.owner, owner)) continue;
    rollBack(state, set, refuse('CANCELED', 'its owner has ended'), out);
  }
}

/** `taking | listing -> rolling-back`: nobody waits for it, so nobody is told. */
function onSetCallerGone(state: State, caller: number, out: EffectCollector): void {
  for (const set of state.sets.values()) {
    if (set.caller !== caller) continue;
    if (set.phase.kind === 'rolling-back') set.phase = { ...set.phase, refusal: null };
    else rollBack(state, set, null, out);
    return;
  }
}

/**
 * The lock manager's process has gone, and what a set had in the kernel is an orphan. It is given
 * back at its adoption; a set that only waits for the lockspace goes on waiting.
 */
export function abandonLostSets(state: State, out: EffectCollector): void {
  const text = `the lock manager's process ended while the set was being taken; try again`;
  for (const set of setsUnderWay(state)) {
    const isInKernel = set.takenIds.some((id) => state.locks.get(id)?.phase.kind !== 'parked');
    if (isInKernel) rollBack(state, set, refuse('LOCK_MANAGER', text), out);
  }
}

/** The daemon stops: what is not complete is given back. */
function abandonSets(state: State, out: EffectCollector): void {
  for (const set of setsUnderWay(state)) {
    rollBack(state, set, refuse('STOPPING', 'the daemon stops'), out);
  }
}

function setsUnderWay(state: State): readonly LockSet[] {
  return [...state.sets.values()].filter(({ phase }) => phase.kind !== 'rolling-back');
}
