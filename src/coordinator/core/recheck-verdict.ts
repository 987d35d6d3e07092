import type { EffectCollector } from './effect.js';
import type { KernelHold } from './event.js';
import { describeLock, NOT_IN_KERNEL, reportLost } from './lost.js';
import { dropLock } from './own-locks.js';
import type { Candidate } from './recheck-state.js';
import { beginRelease, mayUnlock } from './release.js';
import { count, type OwnLock, type State } from './state.js';
import { cancelCallers } from './waiting.js';

type Candidates = ReadonlyMap<number, Candidate>;

/**
 * Those candidates of which the kernel has fewer than we believe to hold. Locks that share a name
 * and a mode cannot be told apart in its table, so they are in question together.
 */
export function findMissing(
  state: State,
  candidates: Candidates,
  holds: readonly KernelHold[],
): Candidates {
  const present = countHolds(holds);
  const wanted = new Map<string, number>();
  const unchanged = [...candidates].filter(([id, candidate]) => isUnchanged(state, id, candidate));
  for (const [, candidate] of unchanged) add(wanted, keyOf(candidate));
  return new Map(unchanged.filter(([, candidate]) => {
    const key = keyOf(candidate);
    return (present.get(key) ?? 0) < (wanted.get(key) ?? 0);
  }));
}

/**
 * `held | converting -> releasing | (nothing)`; `quarantined -> (nothing)`. What remains of
 * it, should the kernel have it after all, is unlocked where that can be asked.
 */
export function becomeLost(
  state: State,
  missing: Candidates,
  holds: readonly KernelHold[],
  why: string,
  out: EffectCollector,
): void {
  const present = countHolds(holds);
  for (const [id, candidate] of missing) {
    const lock = state.locks.get(id);
    if (lock === undefined) continue;
    if ((present.get(keyOf(candidate)) ?? 0) > 0) {
      count(state, 'locks_in_doubt');
      out.log('error', `${describeLock(lock)} may be lost: the kernel has fewer locks of that ` +
        'name and mode than owners were told, and does not say whose are left');
    } else lose(state, lock, why, out);
  }
}

function lose(state: State, lock: OwnLock, why: string, out: EffectCollector): void {
  if (lock.phase.kind === 'quarantined') {
    out.log('warn', `${describeLock(lock)} has left the kernel`);
    dropLock(state, out, lock, 'gone already');
    return;
  }
  count(state, 'locks_lost');
  reportLost(state, lock, `${NOT_IN_KERNEL}; seen after ${why}`, out);
  cancelCallers(lock, out);
  if (mayUnlock(state)) beginRelease(state, lock, `lost: seen after ${why}`, null, out);
  else dropLock(state, out, lock, 'lost');
}

function isUnchanged(state: State, id: number, { phase }: Candidate): boolean {
  return state.locks.get(id)?.phase === phase;
}

function countHolds(holds: readonly KernelHold[]): ReadonlyMap<string, number> {
  const present = new Map<string, number>();
  for (const hold of holds) add(present, keyOf(hold));
  return present;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function keyOf({ lockName, mode }: KernelHold): string {
  return `${mode} ${lockName}`;
}
