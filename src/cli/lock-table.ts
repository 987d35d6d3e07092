import type { LockView } from '../control/schema.js';
import { renderTable } from './table.js';
import { describeTime } from './text.js';
import { describeLockNode, describeOwner } from './wording.js';

/** Locks as a table: what, who, where, how, since when, and the fencing token. */
export function renderLocks(locks: readonly LockView[], now: number): string {
  return renderTable(
    ['RESOURCE', 'MODE', 'STATE', 'OWNER', 'NODE', 'SINCE', 'GENERATION'],
    locks.map((lock) => [
      lock.resource,
      lock.converting === null ? lock.mode : `${lock.mode} -> ${lock.converting}`,
      describeState(lock),
      describeOwner(lock.owner),
      describeLockNode(lock),
      describeTime(lock.since, now),
      lock.generation === null ? '-' : String(lock.generation),
    ]),
  );
}

function describeState({ state, handover }: LockView): string {
  if (handover === undefined) return state;
  const way = handover.role === 'source' ? 'to' : 'from';
  return `${state}, being handed over ${way} ${handover.node.name}`;
}
