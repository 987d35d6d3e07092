import test from 'ava';

import { nextDeadlineMs } from '../../../src/coordinator/core/deadline.js';
import { BARRIER_MS, REQUEST_RETRY_MS } from '../../../src/coordinator/core/limits.js';
import { viewNodes } from '../../../src/coordinator/core/node-view.js';
import { entryOf, logsOf, sentBodies, startedBench, type Bench } from './harness.js';

const HELLO = {
  kind: 'hello', nodeName: 'beta', bootId: 'b', softwareVersion: '0.1.0', manifestVersion: 1,
  digest: 'x', generationFloor: 0, view: '',
} as const;

/** Node 4 came and died within one change: corosync shows its process for ever. */
function withGhost(): Bench {
  const bench = startedBench();
  bench.view([1, 2, 3, 4], { joined: [[4, 'nodeup']] });
  bench.ring(8n);
  bench.quorum(true, [1, 2, 3]);
  return bench;
}

test('a member whose node the quorum list lacks is given up when it says nothing', (t) => {
  const bench = withGhost();
  bench.wait(BARRIER_MS - 1);
  t.is(bench.peer(4).state, 'joining');
  const effects = bench.wait(1);
  t.is(bench.peer(4).state, 'node-down');
  t.regex(logsOf(effects, 'warn').join(), /process 400 of node 4 is in the group, but its node/);
  t.is(bench.state.counters.get('ghost_members'), 1);
});

test('a ghost is recovered like any node that is gone, and stays so through later views', (t) => {
  const bench = withGhost();
  bench.wait(BARRIER_MS);
  bench.wait(1);
  bench.running([1, 2, 3]);
  t.is(bench.peer(4).state, 'recovered');
  bench.view([1, 3, 4], { left: [[2, 'procdown']] });
  bench.view([1, 2, 3, 4], { joined: [[2, 'join']] });
  bench.quorum(true, [1, 2, 3]);
  bench.wait(10 * BARRIER_MS);
  t.is(bench.peer(4).state, 'recovered');
  t.is(bench.state.counters.get('ghost_members'), 1);
});

test('nobody waits for a ghost: it is asked for nothing more', (t) => {
  const bench = withGhost();
  bench.hear(2, HELLO);
  bench.tell(2, 2, []);
  bench.wait(BARRIER_MS);
  const asked = sentBodies(bench.wait(REQUEST_RETRY_MS)).filter(({ kind }) => kind === 'request');
  t.deepEqual(asked, []);
});

test('a ghost that turns out to be alive is asked for its manifest afresh', (t) => {
  const bench = withGhost();
  bench.wait(BARRIER_MS);
  const effects = bench.quorum(true, [1, 2, 3, 4]);
  t.is(bench.peer(4).state, 'joining');
  t.deepEqual(sentBodies(effects), [{ kind: 'request', nodeId: 4 }]);
  bench.tell(4, 3, [entryOf(1)]);
  t.is(bench.peer(4).state, 'synced');
});

test('a ghost that says hello is heard', (t) => {
  const bench = withGhost();
  bench.wait(BARRIER_MS);
  t.is(bench.peer(4).state, 'node-down');
  bench.hear(4, HELLO);
  bench.tell(4, 2, [entryOf(1)]);
  t.is(bench.peer(4).state, 'synced');
});

test('a member that is heard is no ghost, whatever the quorum list says', (t) => {
  const bench = withGhost();
  for (let version = 1; version < 6; version += 1) {
    bench.wait(BARRIER_MS - 1);
    bench.tell(4, version, []);
  }
  t.is(bench.peer(4).state, 'synced');
});

test('a quorum list of another ring makes nobody a ghost', (t) => {
  const bench = startedBench();
  bench.view([1, 2, 3, 4], { joined: [[4, 'nodeup']] });
  bench.ring(8n);
  const ring = { nodeId: 1, seq: 4n };
  bench.send({ kind: 'quorum', quorate: true, nodeIds: [1, 2, 3], ring });
  bench.wait(BARRIER_MS);
  bench.wait(BARRIER_MS);
  t.is(bench.peer(4).state, 'joining');
});

test('a daemon that says nothing is complained of once, and shown', (t) => {
  const bench = startedBench();
  bench.view([1, 2, 3, 4], { joined: [[4, 'join']] });
  bench.quorum(true, [1, 2, 3, 4]);
  bench.hear(2, HELLO);
  bench.hear(3, HELLO);
  t.true(nextDeadlineMs(bench.state) <= bench.nowMs + BARRIER_MS);
  t.regex(logsOf(bench.wait(BARRIER_MS), 'warn').join(), /daemon on node 4 .* has said nothing/);
  t.is(bench.state.counters.get('members_silent'), 1);
  t.deepEqual(logsOf(bench.wait(BARRIER_MS), 'warn').filter((line) => /nothing/.test(line)), []);
  const note = viewNodes(bench.state).find(({ id }) => id === 4)?.note;
  t.regex(note ?? '', /in the group and says nothing/);
  bench.hear(4, HELLO);
  t.is(viewNodes(bench.state).find(({ id }) => id === 4)?.note, null);
});
