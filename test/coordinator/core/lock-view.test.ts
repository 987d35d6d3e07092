import test from 'ava';

import { findHolders, viewLocks } from '../../../src/coordinator/core/lock-view.js';
import { viewNodes, viewStatus } from '../../../src/coordinator/core/node-view.js';
import { entryOf, OTHER, startedBench } from './harness.js';

test('all locks are shown in the order of resource, then node', (t) => {
  const bench = startedBench();
  bench.tell(3, 1, [entryOf(1, { resource: 'b', mode: 'PR' })]);
  bench.tell(2, 1, [entryOf(1, { resource: 'a' })]);
  bench.hold({ resource: 'b', mode: 'PR' });
  const shown = viewLocks(bench.state).map(({ resource, node }) => `${resource} ${node.id}`);
  t.deepEqual(shown, ['a 2', 'b 1', 'b 3']);
});

test('only those are in the way who hold an incompatible mode', (t) => {
  const bench = startedBench();
  bench.tell(2, 1, [
    entryOf(1, { mode: 'PR' }),
    entryOf(2, { mode: 'EX', state: 'waiting' }),
    entryOf(3, { resource: 'other' }),
  ]);
  t.is(findHolders(bench.state, 'disk', 'PR', null).length, 0);
  t.like(findHolders(bench.state, 'disk', 'EX', null), [{ mode: 'PR', owner: OTHER }]);
});

test('what a peer waited for dies with its daemon', (t) => {
  const bench = startedBench();
  bench.tell(2, 1, [entryOf(1, { state: 'waiting' }), entryOf(2, { state: 'held' })]);
  bench.view([1, 3], { left: [[2, 'procdown']] });
  t.deepEqual(viewLocks(bench.state).map(({ state }) => state), ['orphaned']);
});

test('status counts own locks by state, nodes lists everybody by id', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'a' });
  bench.acquire({ resource: 'b', waitMs: null });
  bench.acquire({ resource: 'c' });
  const status = viewStatus(bench.state);
  t.deepEqual(status.locks, { held: 1, waiting: 1, other: 1, quarantined: 0 });
  t.deepEqual(viewNodes(bench.state).map(({ id, self }) => [id, self]), [
    [1, true], [2, false], [3, false],
  ]);
});
