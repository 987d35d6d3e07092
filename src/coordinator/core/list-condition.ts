import type { Answer, EffectCollector } from './effect.js';
import type { ListCondition } from './event.js';
import { refuse, type Refusal } from './refusal.js';
import { count, type State } from './state.js';

const TOPIC = 'list';

/**
 * How far the list can be relied upon has changed. While it failed nothing new is taken: what is
 * not listed could not be explained after a crash. Holders keep what they hold, and releases go
 * on, since the older records and the kernel prove them.
 */
export function onListCondition(
  state: State,
  condition: ListCondition,
  out: EffectCollector,
): void {
  if (condition.kind === 'failed' && state.list.kind !== 'failed') count(state, 'list_failures');
  if (condition.kind === 'well' && state.list.kind === 'failed') {
    out.log('info', 'the lock list takes records again: new locks are taken');
  }
  state.list = condition;
  if (condition.kind === 'well') state.warnings.delete(TOPIC);
  else state.warnings.set(TOPIC, condition.text);
}

/** What would make a lock held cannot be written. `message`: why, in the words of the list. */
export function refuseUnlisted(message: string): Refusal {
  const text = `the lock list cannot be written (${message}): no new locks until it can`;
  return refuse('LIST_FAILED', text);
}

/** Why no new lock may be taken as the list stands; null when it may. */
export function refuseForList(state: State): Answer | null {
  return state.list.kind === 'failed' ? refuse('LIST_FAILED', state.list.text) : null;
}
