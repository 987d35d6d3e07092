import test from 'ava';
import type { ManifestEntry } from '../../../src/coordinator/core/message.js';

import { digestEntries } from '../../../src/coordinator/core/digest.js';
import {
  PEER_ENTRIES_MAX, REQUEST_RETRY_MS, SENDERS_COMPLAINED_MAX, SNAPSHOT_PARTS_MAX,
} from '../../../src/coordinator/core/limits.js';
import { entryOf, logsOf, ME, sentBodies, startedBench } from './harness.js';

const REQUEST = [{ kind: 'request', nodeId: 2 }];

function hello(manifestVersion: number, digest: string) {
  return {
    kind: 'hello', nodeName: 'beta', bootId: 'b', softwareVersion: '0.1.0', manifestVersion, digest, generationFloor: 0, view: '',
  } as const;
}

function part(manifestVersion: number, at: number, parts: number, id: number) {
  const entries = [entryOf(id, { resource: `r${id}` })];
  return { kind: 'snapshot', manifestVersion, part: at, parts, entries } as const;
}

function delta(manifestVersion: number, id: number) {
  return { kind: 'delta', manifestVersion, changed: [entryOf(id)], removed: [] } as const;
}

test('a hello of an unknown manifest is answered by a request, once', (t) => {
  const bench = startedBench();
  t.deepEqual(sentBodies(bench.hear(2, hello(3, 'x'))), REQUEST);
  t.is(bench.peer(2).name, 'beta');
  t.deepEqual(sentBodies(bench.hear(2, hello(3, 'x'))), []);
});

test('a request that nobody answers is repeated', (t) => {
  const bench = startedBench();
  bench.hear(2, hello(3, 'x'));
  t.deepEqual(sentBodies(bench.wait(REQUEST_RETRY_MS - 1)), []);
  t.deepEqual(sentBodies(bench.wait(1)), REQUEST);
});

test('a request is not repeated once a digest agrees', (t) => {
  const bench = startedBench();
  bench.tell(2, 3, [entryOf(1)]);
  bench.hear(2, { kind: 'digest', manifestVersion: 4, digest: 'x' });
  bench.hear(2, delta(4, 2));
  const digest = digestEntries(bench.peer(2).entries.values());
  bench.hear(2, { kind: 'digest', manifestVersion: 4, digest });
  t.is(bench.peer(2).state, 'synced');
  t.deepEqual(sentBodies(bench.wait(REQUEST_RETRY_MS)), []);
});

test('deltas are applied in their order, and a repeated one changes nothing', (t) => {
  const bench = startedBench();
  bench.tell(2, 3, [entryOf(1)]);
  bench.hear(2, { kind: 'delta', manifestVersion: 4, changed: [entryOf(2)], removed: [1] });
  bench.hear(2, { kind: 'delta', manifestVersion: 4, changed: [entryOf(9)], removed: [2] });
  t.deepEqual([...bench.peer(2).entries.keys()], [2]);
  t.is(bench.peer(2).state, 'synced');
});

test('a gap between deltas makes the manifest stale and asks for the whole', (t) => {
  const bench = startedBench();
  bench.tell(2, 3, [entryOf(1)]);
  t.deepEqual(sentBodies(bench.hear(2, delta(5, 2))), REQUEST);
  t.is(bench.peer(2).state, 'stale');
  bench.tell(2, 5, [entryOf(2)]);
  t.is(bench.peer(2).state, 'synced');
});

test('a digest that differs asks for the whole', (t) => {
  const bench = startedBench();
  bench.tell(2, 3, [entryOf(1)]);
  const digest = digestEntries([entryOf(1)]);
  t.deepEqual(sentBodies(bench.hear(2, { kind: 'digest', manifestVersion: 3, digest })), []);
  const other = bench.hear(2, { kind: 'digest', manifestVersion: 3, digest: 'y' });
  t.deepEqual(sentBodies(other), REQUEST);
});

test('a message that was seen before is dropped', (t) => {
  const bench = startedBench();
  bench.tell(2, 3, [entryOf(1)]);
  bench.hear(2, delta(4, 2), { seq: 1 });
  t.deepEqual([...bench.peer(2).entries.keys()], [1]);
  t.is(bench.state.counters.get('messages_repeated'), 1);
});

test('a message of another ring is dropped', (t) => {
  const bench = startedBench();
  bench.tell(2, 3, [entryOf(1)]);
  bench.hear(2, delta(4, 2), { ring: { nodeId: 1, seq: 3n } });
  t.deepEqual([...bench.peer(2).entries.keys()], [1]);
  t.is(bench.state.counters.get('messages_of_another_ring'), 1);
});

test('a message that claims another sender is dropped and logged once', (t) => {
  const bench = startedBench();
  const first = bench.hear(2, hello(1, 'x'), { nodeId: 3 });
  const second = bench.hear(2, hello(1, 'x'), { nodeId: 3 });
  t.is(logsOf(first, 'warn').length, 1);
  t.is(logsOf(second, 'warn').length, 0);
  t.is(bench.peer(3).incarnation, null);
});

test('a message of a process that is no member is dropped', (t) => {
  const bench = startedBench();
  bench.view([1, 3], { left: [[2, 'procdown']] });
  bench.tell(2, 3, [entryOf(1)]);
  t.is(bench.peer(2).entries.size, 0);
  t.is(bench.state.counters.get('messages_of_non_members'), 1);
});

test('a new incarnation begins its own count and its own manifest', (t) => {
  const bench = startedBench();
  bench.tell(2, 7, [entryOf(1)]);
  const effects = bench.hear(2, delta(8, 2), { incarnation: 'f'.repeat(32), seq: 1 });
  t.deepEqual(sentBodies(effects), REQUEST);
  t.is(bench.peer(2).manifestVersion, 0);
  t.false(bench.peer(2).entries.has(2));
});

test('a snapshot is taken over only when all its parts are there', (t) => {
  const bench = startedBench();
  bench.hear(2, part(3, 1, 2, 2));
  t.is(bench.peer(2).entries.size, 0);
  bench.hear(2, part(3, 0, 2, 1));
  t.deepEqual([...bench.peer(2).entries.keys()].sort(), [1, 2]);
  t.is(bench.peer(2).state, 'synced');
});

test('a snapshot for somebody else costs nothing where the same is known', (t) => {
  const bench = startedBench();
  bench.tell(2, 3, [entryOf(1)]);
  const known = bench.peer(2).entries;
  bench.hear(2, part(3, 0, 2, 1));
  t.is(bench.peer(2).assembly, null);
  bench.tell(2, 3, [entryOf(1)]);
  t.is(bench.peer(2).entries, known);
  bench.hear(2, { kind: 'digest', manifestVersion: 3, digest: 'another' });
  t.is(bench.peer(2).state, 'stale');
  bench.tell(2, 3, [entryOf(2)]);
  t.deepEqual([...bench.peer(2).entries.keys()], [2], 'but a digest that differs is believed');
});

test('parts of an older snapshot do not spoil a newer one that is arriving', (t) => {
  const bench = startedBench();
  bench.hear(2, part(3, 0, 2, 1));
  bench.hear(2, part(4, 0, 2, 3));
  bench.hear(2, part(3, 1, 2, 2));
  bench.hear(2, part(4, 1, 2, 4));
  t.deepEqual([...bench.peer(2).entries.keys()].sort(), [3, 4]);
  t.is(bench.peer(2).manifestVersion, 4);
});

test('a snapshot that is older than what is known is ignored', (t) => {
  const bench = startedBench();
  bench.tell(2, 7, [entryOf(1)]);
  bench.tell(2, 6, []);
  t.is(bench.peer(2).manifestVersion, 7);
  t.is(bench.peer(2).entries.size, 1);
});

test('a change that arrives between the parts of a snapshot is not forgotten', (t) => {
  const bench = startedBench();
  bench.hear(2, part(3, 0, 2, 1));
  bench.hear(2, delta(4, 9));
  bench.hear(2, part(3, 1, 2, 2));
  t.not(bench.peer(2).state, 'synced');
  t.deepEqual(sentBodies(bench.wait(REQUEST_RETRY_MS)), REQUEST);
});

test('a snapshot with impossible parts is refused', (t) => {
  const bench = startedBench();
  bench.hear(2, part(3, 0, 0, 1));
  bench.hear(2, part(3, 2, 2, 1));
  bench.hear(2, part(3, 0, SNAPSHOT_PARTS_MAX + 1, 1));
  t.is(bench.state.counters.get('snapshots_refused'), 3);
  t.is(bench.peer(2).assembly, null);
});

test('a message of a newer protocol is counted and nothing else', (t) => {
  const bench = startedBench();
  t.deepEqual(bench.hear(2, { kind: 'unknown' }), []);
  t.is(bench.state.counters.get('messages_of_unknown_type'), 1);
});

test('garbage is counted always and logged once per sender, for a bounded number', (t) => {
  const bench = startedBench();
  const garbage = (pid: number) => {
    return bench.send({ kind: 'garbage', from: { nodeId: 9, pid }, reason: 'no magic' });
  };
  t.is(logsOf(garbage(1)).length, 1);
  t.is(logsOf(garbage(1)).length, 0);
  for (let pid = 2; pid <= SENDERS_COMPLAINED_MAX; pid += 1) garbage(pid);
  t.is(logsOf(garbage(SENDERS_COMPLAINED_MAX + 1)).length, 0);
  t.is(bench.state.complainedOf.size, SENDERS_COMPLAINED_MAX);
  t.is(bench.state.counters.get('messages_garbage'), SENDERS_COMPLAINED_MAX + 2);
});

test('a second daemon of this node is no peer, and is greeted once, so that it gives way', (t) => {
  const bench = startedBench();
  const ring = { nodeId: 1, seq: 4n };
  const hear = (seq: number) => bench.send({
    kind: 'message', from: { ...ME, pid: 7 }, envelope: {
      protocolMin: 1, protocolMax: 1, nodeId: 1, incarnation: 'e'.repeat(32), seq, ring,
      body: hello(1, 'x'),
    },
  });
  t.deepEqual(sentBodies(hear(1)).map(({ kind }) => kind), ['hello']);
  t.deepEqual(hear(2), []);
  t.false(bench.state.peers.has(1));
});

test('a peer cannot fill the memory, by the parts of a snapshot or by deltas without end', (t) => {
  const bench = startedBench();
  const entries = Array<ManifestEntry>(10_000).fill(entryOf(1));
  const parts = PEER_ENTRIES_MAX / entries.length + 2;
  let heldMost = 0;
  for (let part = 0; part < parts - 1; part += 1) {
    bench.hear(2, { kind: 'snapshot', manifestVersion: 3, part, parts, entries });
    let held = 0;
    for (const piece of bench.peer(2).assembly?.received.values() ?? []) held += piece.length;
    heldMost = Math.max(heldMost, held);
  }
  t.is(heldMost, PEER_ENTRIES_MAX);
  t.is(bench.peer(2).assembly, null);
  bench.tell(2, 4, [entryOf(1)]);
  const peer = bench.peer(2);
  for (let id = 2; id <= PEER_ENTRIES_MAX; id += 1) peer.entries.set(id, entryOf(id));
  bench.hear(2, delta(5, PEER_ENTRIES_MAX + 1));
  t.is(peer.entries.size, PEER_ENTRIES_MAX);
  t.is(peer.state, 'stale');
});

test('a full manifest may still change: only entries that come on top count', (t) => {
  const bench = startedBench();
  bench.tell(2, 3, [entryOf(1)]);
  const peer = bench.peer(2);
  for (let id = 2; id <= PEER_ENTRIES_MAX; id += 1) peer.entries.set(id, entryOf(id));
  const changed = [entryOf(7, { since: 1 }), entryOf(8, { since: 1 }), entryOf(8, { since: 2 })];
  bench.hear(2, { kind: 'delta', manifestVersion: 4, changed, removed: [] });
  t.is(peer.manifestVersion, 4);
  t.is(peer.entries.get(8)?.since, 2);
  const swapped = [entryOf(PEER_ENTRIES_MAX + 1), entryOf(PEER_ENTRIES_MAX + 1)];
  bench.hear(2, { kind: 'delta', manifestVersion: 5, changed: swapped, removed: [9, 9] });
  t.is(peer.manifestVersion, 5);
  t.is(peer.entries.size, PEER_ENTRIES_MAX);
  const two = [entryOf(9), entryOf(PEER_ENTRIES_MAX + 2)];
  bench.hear(2, { kind: 'delta', manifestVersion: 6, changed: two, removed: [10] });
  t.is(peer.manifestVersion, 5);
  t.is(peer.state, 'stale');
  t.is(bench.state.counters.get('deltas_refused'), 1);
});
