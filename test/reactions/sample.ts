import type { CoordinatorEvent, LockView, NodeView, StatusView } from '../../src/coordinator/core/view.js';

const AT = '2030-01-01T00:00:00.000Z';

export const STATUS: StatusView = {
  node: { id: 1, name: 'n1' }, incarnation: 'ab'.repeat(16), bootId: 'b', version: '0',
  lockspace: 'holdfast', group: 'holdfast', standing: { kind: 'ok' }, quorate: true,
  quorumNodes: [1, 2, 3], locks: { held: 0, waiting: 0, other: 0, quarantined: 0 }, lost: [],
  fencingHints: [], warnings: [], counters: {},
};

export function lockOf(state: LockView['state'], facts: Partial<LockView> = {}): LockView {
  return {
    resource: 'vm-1', lockspace: 'holdfast', mode: 'EX', converting: null, state,
    owner: { kind: 'named', name: 'o' }, node: { id: 1, name: 'n1' }, nodeState: 'synced',
    generation: null, since: AT, note: null, ...facts,
  };
}

export function lockEvent(
  state: LockView['state'],
  facts: Partial<LockView> = {},
  gone = false,
): CoordinatorEvent {
  return { at: AT, type: 'lock', lock: lockOf(state, facts), gone };
}

export function nodeEvent(id: number, state: NodeView['state']): CoordinatorEvent {
  const node = {
    id, name: `n${id}`, self: false, state, since: AT, incarnation: null, bootId: null, locks: 0,
    protocol: null, note: null,
  };
  return { at: AT, type: 'node', node };
}

export function standingEvent(standing: StatusView['standing']): CoordinatorEvent {
  return { at: AT, type: 'standing', standing };
}
