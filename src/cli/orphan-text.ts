import type { OrphanView } from '../control/schema.js';
import { renderFacts } from './table.js';
import { describeTime } from './text.js';
import { describeLockNode, describeOwner } from './wording.js';

const STATES: Partial<Readonly<Record<OrphanView['lock']['state'], string>>> = {
  quarantined: 'in quarantine',
  orphaned: 'an orphan, not adopted yet',
  releasing: 'being released',
};

/** One orphan that no list explains: what it is, and what it is in the way of. */
export function renderOrphan({ lock, blocks, waiting }: OrphanView, now: number): string {
  const waits = waiting.map(({ owner, node }) => `${describeOwner(owner)} on ${node.name}`);
  return renderFacts([
    ['lock name', lock.resource],
    ['mode', lock.mode],
    ['node', describeLockNode(lock)],
    ['state', STATES[lock.state] ?? lock.state],
    ['since', describeTime(lock.since, now)],
    ['blocks', blocks.length === 0 ? 'nobody' : `${blocks.join(', ')} on every node`],
    ['waiting', waits.join(', ') || 'nobody that this node knows of'],
  ]);
}
