import test from 'ava';

import { MessageStamp } from '../../src/coordinator/message-stamp.js';
import { decode } from '../../src/coordinator/wire/index.js';
import { entryOf, RING, startedBench } from './core/harness.js';

test('every message has its own number, the incarnation, and the ring of the moment', (t) => {
  const { state } = startedBench();
  const stamp = new MessageStamp(state);
  const one = decode(stamp.encode({ kind: 'goodbye', keepsLocks: true }));
  const two = decode(stamp.encode({ kind: 'request', nodeId: 2 }));
  t.like(one, { seq: 1, nodeId: 1, incarnation: 'a'.repeat(32), ring: RING });
  t.is(two.seq, 2);
});

test('a whole manifest is sent in parts that say how many they are', (t) => {
  const stamp = new MessageStamp(startedBench().state);
  const entries = Array.from({ length: 20_000 }, (_, at) => entryOf(at + 1));
  const parts = stamp
    .encodeSnapshot({ kind: 'send-snapshot', manifestVersion: 3, entries })
    .map((payload) => decode(payload).body);
  t.true(parts.length > 1);
  let count = 0;
  for (const [at, body] of parts.entries()) {
    t.like(body, { kind: 'snapshot', manifestVersion: 3, part: at, parts: parts.length });
    if (body.kind === 'snapshot') count += body.entries.length;
  }
  t.is(count, entries.length);
});

test('without a ring a message cannot be taken for current', (t) => {
  const bench = startedBench();
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  const payload = new MessageStamp(bench.state).encode({ kind: 'request', nodeId: 2 });
  t.deepEqual(decode(payload).ring, { nodeId: 0, seq: 0n });
});
