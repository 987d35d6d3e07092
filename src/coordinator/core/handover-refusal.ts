import type { Handover } from './handover.js';
import { nameOfNode, viewOwnLock } from './lock-view.js';
import { refuse, type Refusal } from './refusal.js';
import type { OwnLock, State } from './state.js';

/** Its owner asks for something else of a lock that is being handed over. */
export function refuseHandover(state: State, lock: OwnLock, handover: Handover): Refusal {
  const other = nameOfNode(state, handover.nodeId);
  const way = handover.role === 'source' ? `to ${other}` : `from ${other}`;
  const what = `'${lock.facts.resource}' is being handed over ${way}`;
  const text = `${what}: finish or abort that with 'holdfast handover', or release it`;
  return refuse('HANDOVER', text, [viewOwnLock(state, lock)]);
}
