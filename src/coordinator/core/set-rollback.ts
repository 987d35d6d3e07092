import type { EffectCollector } from './effect.js';
import type { LockSet } from './lock-set.js';
import type { Refusal } from './refusal.js';
import { beginRelease } from './release.js';
import type { State } from './state.js';
import { abandonTake } from './waiting.js';

/** `gathered -> releasing`; whatever is not granted yet is abandoned. */
export function giveBack(state: State, id: number, out: EffectCollector): void {
  const lock = state.locks.get(id);
  if (lock === undefined) return;
  switch (lock.phase.kind) {
    case 'gathered':
    case 'held':
      beginRelease(state, lock, 'the rest of its set was not taken', null, out);
      break;
    case 'releasing':
    case 'quarantined':
      break;
    default:
      abandonTake(state, lock, out);
  }
}

/**
 * `rolling-back -> (nothing)`: the caller is told when nothing of the set is left, or when that
 * cannot be waited for: a stopped lockspace finishes it when it runs again.
 */
export function settleRollBack(state: State, set: LockSet, out: EffectCollector): void {
  if (set.phase.kind !== 'rolling-back') return;
  const { refusal, untilMs } = set.phase;
  const isOver = !set.takenIds.some((id) => state.locks.has(id));
  const isStalled = state.standing.kind !== 'ok' || state.monotonicMs >= untilMs;
  if (!isOver && !isStalled) return;
  state.sets.delete(set.number);
  if (refusal !== null) out.reply(set.caller, wordFor(refusal, isOver));
}

function wordFor(refusal: Refusal, isOver: boolean): Refusal {
  const later = '; what was taken already is released as soon as the lockspace allows';
  return { ...refusal, message: `nothing was taken: ${refusal.message}${isOver ? '' : later}` };
}
