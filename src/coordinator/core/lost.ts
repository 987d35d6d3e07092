import type { EffectCollector } from './effect.js';
import { isoTime } from './iso-time.js';
import { viewOwnLock } from './lock-view.js';
import { describeOwner } from './owner.js';
import type { OwnLock, State } from './state.js';

/** What is told of a lock that the kernel does not have any more. */
export const NOT_IN_KERNEL = 'the kernel no longer has it: whatever it protected is unprotected';

/**
 * Tells, before the list forgets it, that a lock is gone which its owner was told that it holds.
 * Never taken again silently: what it protected may have been changed by somebody else meanwhile.
 * `note` says in a sentence how that is known.
 */
export function reportLost(
  state: State,
  lock: OwnLock,
  note: string,
  out: EffectCollector,
): void {
  const view = { ...viewOwnLock(state, lock), state: 'lost' as const, note };
  const event = { at: isoTime(state.wallMs), type: 'lock', lock: view, gone: true } as const;
  out.report(`${describeLock(lock)} is LOST: ${note}`, event);
}

/** A lock in the words of the log: `'disk' (EX, vm-17)`. */
export function describeLock(lock: OwnLock): string {
  const { resource, mode, owner } = lock.facts;
  const who = owner === null ? 'an unknown owner' : describeOwner(owner);
  return `'${resource}' (${mode}, ${who})`;
}
