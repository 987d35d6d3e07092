import test from 'ava';

import type { Effect } from '../../../src/coordinator/core/effect.js';
import type { ManifestEntry } from '../../../src/coordinator/core/message.js';
import { entryOf, logsOf, recordNames, startedBench, type Bench } from './harness.js';

/** Node 1 holds 'disk' through a gap; its kernel shows it still. */
function heldThroughGap(): { bench: Bench; id: number; generation: number } {
  const bench = startedBench();
  const id = bench.hold();
  bench.view([1], { left: [[2, 'nodedown'], [3, 'nodedown']] });
  bench.view([1, 2, 3], { joined: [[2, 'nodeup'], [3, 'nodeup']] });
  bench.ring(8n);
  const locks = [{ lockName: 'disk', mode: 'EX' as const }];
  bench.send({ kind: 'locks-read', round: bench.state.recheckRound, locks, reason: '' });
  return { bench, id, generation: bench.state.locks.get(id)?.generation ?? 0 };
}

function tell(bench: Bench, facts: Partial<ManifestEntry>): readonly Effect[] {
  const entries = [entryOf(1, facts)];
  return bench.hear(2, { kind: 'snapshot', manifestVersion: 4, part: 0, parts: 1, entries });
}

function isTold(effects: readonly Effect[]): boolean {
  return logsOf(effects, 'error').some((line) => /is LOST: node 2 holds it with/.test(line));
}

test('a later exclusive grant elsewhere, after a gap here, means that ours is lost', (t) => {
  const { bench, id, generation } = heldThroughGap();
  const effects = tell(bench, { generation: generation + 1 });
  t.true(isTold(effects));
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
  t.is(bench.phase(id), 'releasing');
});

test('a change that arrives later tells the same', (t) => {
  const { bench, id, generation } = heldThroughGap();
  bench.tell(2, 4, []);
  const changed = [entryOf(1, { generation: generation + 1 })];
  t.true(isTold(bench.hear(2, { kind: 'delta', manifestVersion: 5, changed, removed: [] })));
  t.is(bench.phase(id), 'releasing');
});

for (const [what, facts] of [
  ['an earlier grant, whose release is still on its way', { generation: 1 }],
  ['a grant without a number', { generation: null }],
  ['a request that waits', { generation: Number.MAX_SAFE_INTEGER, state: 'waiting' }],
  ['a release under way', { generation: Number.MAX_SAFE_INTEGER, state: 'releasing' }],
  ['a lock on something else', { generation: Number.MAX_SAFE_INTEGER, resource: 'other' }],
  ['a mode that goes beside ours', { generation: Number.MAX_SAFE_INTEGER, mode: 'NL' }],
] as const) {
  test(`${what} takes nothing from us`, (t) => {
    const { bench, id } = heldThroughGap();
    t.deepEqual(recordNames(tell(bench, facts)), []);
    t.is(bench.phase(id), 'held');
  });
}

test('a lock that was granted after the gap is not given up for a contradiction', (t) => {
  const { bench } = heldThroughGap();
  bench.running();
  const id = bench.hold({ resource: 'later' });
  const generation = (bench.state.locks.get(id)?.generation ?? 0) + 1;
  const effects = tell(bench, { resource: 'later', generation });
  t.is(bench.phase(id), 'held');
  t.regex(logsOf(effects, 'error').join(), /'later' .* is held here, and node 2 holds it .* both/);
  t.is(bench.state.counters.get('claims_contradicted'), 1);
});
