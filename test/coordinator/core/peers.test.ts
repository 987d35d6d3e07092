import test from 'ava';

import { PEERS_MAX } from '../../../src/coordinator/core/limits.js';
import { viewLocks } from '../../../src/coordinator/core/lock-view.js';
import { entryOf, ME, sentBodies, startedBench, type Bench } from './harness.js';

function sentKinds(effects: ReturnType<Bench['send']>): readonly string[] {
  return sentBodies(effects).map(({ kind }) => kind);
}

/** A bench on which node 2 is synced and holds 'disk'. */
function syncedBench(): Bench {
  const bench = startedBench();
  bench.tell(2, 1, [entryOf(1)]);
  return bench;
}

function shownLocks(bench: Bench): readonly string[] {
  return viewLocks(bench.state).map(({ resource, state }) => `${resource} ${state}`);
}

test('a daemon that crashes leaves its locks held', (t) => {
  const bench = syncedBench();
  bench.view([1, 3], { left: [[2, 'procdown']] });
  t.is(bench.peer(2).state, 'daemon-down');
  t.deepEqual(shownLocks(bench), ['disk orphaned']);
});

test('a goodbye tells whether the locks stay', (t) => {
  for (const keepsLocks of [true, false]) {
    const bench = syncedBench();
    bench.hear(2, { kind: 'goodbye', keepsLocks });
    bench.view([1, 3], { left: [[2, 'leave']] });
    t.is(bench.peer(2).state, 'left');
    t.deepEqual(shownLocks(bench), keepsLocks ? ['disk orphaned'] : []);
  }
});

test('a leave without a goodbye says nothing about the locks', (t) => {
  const bench = syncedBench();
  bench.view([1, 3], { left: [[2, 'leave']] });
  t.is(bench.peer(2).state, 'daemon-down');
});

test('a goodbye does not outlive the return of its daemon', (t) => {
  const bench = syncedBench();
  bench.hear(2, { kind: 'goodbye', keepsLocks: false });
  bench.view([1, 3], { left: [[2, 'leave']] });
  bench.view([1, 2, 3], { joined: [[2, 'join']] });
  bench.view([1, 3], { left: [[2, 'procdown']] });
  t.is(bench.peer(2).state, 'daemon-down');
});

test('a node that left the ring keeps its locks until DLM has recovered without it', (t) => {
  const bench = syncedBench();
  bench.view([1, 3], { left: [[2, 'nodedown']] });
  t.is(bench.peer(2).state, 'node-down');
  t.deepEqual(shownLocks(bench), ['disk held']);
  bench.nowMs += 5;
  bench.running([1, 2, 3]);
  t.is(bench.peer(2).state, 'node-down');
  bench.stopped('fencing');
  t.is(bench.peer(2).state, 'node-down');
  bench.running([1, 3]);
  t.is(bench.peer(2).state, 'recovered');
  t.deepEqual(shownLocks(bench), []);
});

test('an answer to a question from before the node went proves nothing', (t) => {
  const bench = syncedBench();
  const askedMs = bench.nowMs - 1;
  bench.view([1, 3], { left: [[2, 'nodedown']] });
  bench.running([1, 3], askedMs);
  t.is(bench.peer(2).state, 'node-down');
});

test('a node that is only without its daemon is not recovered', (t) => {
  const bench = syncedBench();
  bench.view([1, 3], { left: [[2, 'procdown']] });
  bench.running([1, 3]);
  t.is(bench.peer(2).state, 'daemon-down');
});

test('the quorum list notices the death of a node whose daemon had gone before', (t) => {
  const bench = syncedBench();
  bench.view([1, 3], { left: [[2, 'procdown']] });
  bench.quorum(true, [1, 3]);
  t.is(bench.peer(2).state, 'node-down');
  bench.running([1, 3]);
  t.is(bench.peer(2).state, 'recovered');
});

test('the quorum list does not overrule a daemon that is in the group', (t) => {
  const bench = syncedBench();
  bench.quorum(true, [1, 3]);
  t.is(bench.peer(2).state, 'synced');
});

test('the quorum list makes known the nodes that have no daemon', (t) => {
  const bench = startedBench();
  bench.quorum(true, [1, 2, 3, 4]);
  t.is(bench.peer(4).state, 'daemon-down');
});

test('a node that comes back is asked for its manifest afresh', (t) => {
  const bench = syncedBench();
  bench.view([1, 3], { left: [[2, 'nodedown']] });
  bench.view([1, 2, 3], { joined: [[2, 'nodeup']] });
  t.is(bench.peer(2).state, 'joining');
  bench.ring(8n);
  const same = bench.hear(2, {
    kind: 'hello', nodeName: 'beta', bootId: 'b', softwareVersion: '0.1.0', manifestVersion: 1,
    digest: 'x', generationFloor: 0, view: '',
  });
  t.deepEqual(sentBodies(same), [{ kind: 'request', nodeId: 2 }]);
  bench.tell(2, 5, [entryOf(2, { resource: 'new' })]);
  t.deepEqual(shownLocks(bench), ['new held']);
});

test('a node that left and joined in one view is asked afresh as well', (t) => {
  const bench = syncedBench();
  bench.view([1, 2, 3], { left: [[2, 'nodedown']], joined: [[2, 'nodeup']] });
  t.is(bench.peer(2).state, 'joining');
  t.is(bench.peer(2).manifestVersion, 0);
});

test('locks that died with their node do not come back with its daemon', (t) => {
  const bench = syncedBench();
  bench.view([1, 3], { left: [[2, 'nodedown']] });
  bench.running([1, 3]);
  bench.view([1, 2, 3], { joined: [[2, 'nodeup']] });
  t.is(bench.peer(2).state, 'joining');
  t.deepEqual(shownLocks(bench), []);
});

test('locks that were released with a goodbye do not come back with the daemon', (t) => {
  const bench = syncedBench();
  bench.hear(2, { kind: 'goodbye', keepsLocks: false });
  bench.view([1, 3], { left: [[2, 'leave']] });
  bench.view([1, 2, 3], { joined: [[2, 'join']] });
  t.deepEqual(shownLocks(bench), []);
});

test('nothing that comes after a proof of death undoes it', (t) => {
  const bench = syncedBench();
  bench.view([1, 3], { left: [[2, 'nodedown']] });
  bench.running([1, 3]);
  bench.view([1, 3], { left: [[2, 'procdown']] });
  t.is(bench.peer(2).state, 'recovered');
});

test('a view without this daemon isolates the node', (t) => {
  const bench = startedBench();
  bench.view([2, 3]);
  t.is(bench.state.standing.kind, 'isolated');
  t.is(bench.state.group.kind, 'away');
});

test('a member that nobody announced is a member all the same', (t) => {
  const bench = startedBench();
  const effects = bench.view([1, 2, 3, 4]);
  t.is(bench.peer(4).state, 'joining');
  t.deepEqual(sentKinds(effects), ['hello']);
});

test('a member that vanished unseen is down, and whether its node is, quorum says', (t) => {
  const bench = syncedBench();
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  t.is(bench.peer(2).state, 'stale');
  bench.send({ kind: 'group-joining', self: ME });
  bench.view([1, 3], { joined: [[1, 'join']] });
  t.is(bench.peer(2).state, 'daemon-down');
  bench.quorum(true, [1, 3]);
  t.is(bench.peer(2).state, 'node-down');
});

test('a second daemon on this node is warned of until it is gone', (t) => {
  const bench = startedBench();
  const members = [ME, { nodeId: 1, pid: 999 }];
  bench.send({ kind: 'view', members, left: [], joined: [] });
  t.regex([...bench.state.warnings.values()].join(), /process 999/);
  bench.send({ kind: 'view', members: [ME], left: [], joined: [] });
  t.is(bench.state.warnings.size, 0);
});

test('a daemon that is replaced before its predecessor has gone is heard', (t) => {
  const bench = syncedBench();
  const successor = { nodeId: 2, pid: 201 };
  const both = [ME, { nodeId: 2, pid: 200 }, successor];
  const joined = [{ ...successor, reason: 'join' as const }];
  bench.send({ kind: 'view', members: both, left: [], joined });
  const left = [{ nodeId: 2, pid: 200, reason: 'procdown' as const }];
  bench.send({ kind: 'view', members: [ME, successor], left, joined: [] });
  t.is(bench.peer(2).pid, 201);
  t.is(bench.peer(2).state, 'joining');
});

test('of two daemons on a peer the one that stays is heard', (t) => {
  const bench = syncedBench();
  const second = { nodeId: 2, pid: 201 };
  const first = { nodeId: 2, pid: 200 };
  const joined = [{ ...second, reason: 'join' as const }];
  bench.send({ kind: 'view', members: [ME, first, second], left: [], joined });
  const left = [{ ...second, reason: 'procdown' as const }];
  bench.send({ kind: 'view', members: [ME, first], left, joined: [] });
  t.is(bench.peer(2).pid, 200);
});

test('a stranger beside a daemon neither takes its place nor its leave', (t) => {
  const bench = syncedBench();
  const daemon = { nodeId: 2, pid: 200 };
  const stranger = { nodeId: 2, pid: 900 };
  const joined = [{ ...stranger, reason: 'join' as const }];
  bench.send({ kind: 'view', members: [ME, daemon, stranger], left: [], joined });
  t.is(bench.peer(2).state, 'synced');
  bench.send({ kind: 'view', members: [ME, daemon], left: [{ ...stranger, reason: 'leave' }], joined: [] });
  t.like(bench.peer(2), { state: 'synced', pid: 200 });
  bench.send({ kind: 'view', members: [ME, daemon, stranger], left: [], joined });
  const left = [{ ...daemon, reason: 'procdown' as const }];
  const effects = bench.send({ kind: 'view', members: [ME, stranger], left, joined: [] });
  t.true(effects.some((effect) => effect.kind === 'tell' && effect.event.type === 'node' &&
    effect.event.node.state === 'daemon-down'));
});

test('a hello is said in every new ring, and at a join that brings no new ring', (t) => {
  const bench = startedBench();
  t.deepEqual(sentKinds(bench.ring(8n)), ['hello']);
  t.deepEqual(sentKinds(bench.view([1, 2], { left: [[3, 'nodedown']] })), []);
  t.deepEqual(sentKinds(bench.view([1, 2, 3], { joined: [[3, 'join']] })), ['hello']);
});

test('peers are bounded', (t) => {
  const bench = startedBench();
  bench.quorum(true, Array.from({ length: PEERS_MAX + 10 }, (_, at) => at + 1));
  t.is(bench.state.peers.size, PEERS_MAX);
  t.true((bench.state.counters.get('peers_refused') ?? 0) > 0);
});
