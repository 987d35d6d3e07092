import test from 'ava';

import { digestEntries } from '../../../src/coordinator/core/digest.js';
import { nextDeadlineMs } from '../../../src/coordinator/core/deadline.js';
import { DELTA_ENTRIES_MAX, DIGEST_INTERVAL_MS, REQUEST_RETRY_MS } from '../../../src/coordinator/core/limits.js';
import { isSnapshotSent, kindsOf, sentBodies, startedBench, type Bench, PROCESS } from './harness.js';

/** The core's own snapshot comes back from the group. */
function echo(bench: Bench): void {
  const { manifestVersion } = bench.state;
  const incarnation = 'a'.repeat(32);
  const body = { kind: 'snapshot', manifestVersion, part: 0, parts: 1, entries: [] } as const;
  bench.hear(1, body, { incarnation });
}

test('each change is told with the version it makes', (t) => {
  const bench = startedBench();
  const before = bench.state.manifestVersion;
  const { id } = bench.acquire();
  t.is(bench.state.manifestVersion, before);
  const [body] = sentBodies(bench.send({ kind: 'granted', id }));
  t.like(body, { kind: 'delta', manifestVersion: before + 1, changed: [{ id, state: 'held' }] });
  bench.release();
  const [last] = sentBodies(bench.send({ kind: 'unlocked', id }));
  t.like(last, { kind: 'delta', manifestVersion: before + 3, changed: [], removed: [id] });
});

test('an attempt that does not wait is not announced', (t) => {
  const bench = startedBench();
  const { effects, id } = bench.acquire();
  t.deepEqual(sentBodies(effects), []);
  t.deepEqual(sentBodies(bench.fail(id, 'WOULD_BLOCK')), []);
});

test('changes that nobody can be told are told by the digest of the next hello', (t) => {
  const bench = startedBench();
  bench.hold();
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  const { effects } = bench.release();
  t.deepEqual(sentBodies(effects), []);
  bench.send({ kind: 'group-joining', self: { nodeId: 1, pid: 100 } });
  bench.view([1], { joined: [[1, 'join']] });
  const digest = digestEntries(bench.state.announced.values());
  const { manifestVersion } = bench.state;
  t.like(sentBodies(bench.ring(9n))[0], { kind: 'hello', manifestVersion, digest });
});

test('too many changes for a delta are told as a whole', (t) => {
  const bench = startedBench();
  for (let at = 0; at <= DELTA_ENTRIES_MAX; at += 1) {
    bench.hold({ owner: PROCESS, resource: `r${at}` });
  }
  const effects = bench.send({ kind: 'owner-ended', owner: PROCESS });
  t.deepEqual(sentBodies(effects), []);
  t.true(isSnapshotSent(effects));
  t.deepEqual(kindsOf(effects).slice(0, 3), ['persist', 'send-snapshot', 'lock']);
});

test('a request is answered with the whole, and one under way serves others too', (t) => {
  const bench = startedBench();
  bench.hold();
  const request = { kind: 'request', nodeId: 1 } as const;
  t.true(isSnapshotSent(bench.hear(2, request)));
  t.false(isSnapshotSent(bench.hear(3, request)));
  echo(bench);
  t.true(isSnapshotSent(bench.hear(3, request)));
});

test('a snapshot that never comes back does not silence later requests', (t) => {
  const bench = startedBench();
  const request = { kind: 'request', nodeId: 1 } as const;
  bench.hear(2, request);
  bench.nowMs += REQUEST_RETRY_MS;
  t.true(isSnapshotSent(bench.hear(2, request)));
});

test('a request to another node is not answered', (t) => {
  const bench = startedBench();
  t.false(isSnapshotSent(bench.hear(2, { kind: 'request', nodeId: 3 })));
});

test('the digest is told when its time has come, and not before', (t) => {
  const bench = startedBench();
  t.deepEqual(sentBodies(bench.wait(DIGEST_INTERVAL_MS - 1)), []);
  t.like(sentBodies(bench.wait(1))[0], { kind: 'digest' });
  t.deepEqual(sentBodies(bench.wait(1)), []);
});

test('no tick is due at once while nothing can be sent', (t) => {
  const bench = startedBench();
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  bench.wait(3 * DIGEST_INTERVAL_MS);
  t.true(nextDeadlineMs(bench.state) > bench.nowMs);
  t.true(Number.isFinite(nextDeadlineMs(bench.state)));
});
