import test from 'ava';

import { actionNames, entryOf, kindsOf, logsOf, recordNames, startedBench, OTHER, PROCESS } from './harness.js';

test('a release is written and announced before the kernel is asked', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const { effects } = bench.release();
  t.deepEqual(kindsOf(effects), ['persist', 'send', 'lock']);
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
  t.deepEqual(actionNames(effects), [`unlock ${id}`]);
});

test('the owner is told of the release after it is written', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const { caller } = bench.release();
  const effects = bench.send({ kind: 'unlocked', id });
  t.deepEqual(kindsOf(effects), ['persist', 'send', 'reply']);
  t.deepEqual(recordNames(effects), [`dropped ${id}`]);
  t.deepEqual(bench.answer(caller), { kind: 'released', released: true, pending: false });
  t.is(bench.listed.size, 0);
});

test('a release of what nobody holds is done already', (t) => {
  const bench = startedBench();
  const { caller } = bench.release();
  t.deepEqual(bench.answer(caller), { kind: 'released', released: false, pending: false });
});

test('two releases of one lock share one unlock', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const one = bench.release();
  const two = bench.release();
  t.deepEqual(actionNames(two.effects), []);
  bench.send({ kind: 'unlocked', id });
  t.like(bench.answer(one.caller), { released: true, pending: false });
  t.like(bench.answer(two.caller), { released: true, pending: false });
});

test('a release by another owner is refused and says whose lock it is', (t) => {
  const bench = startedBench();
  bench.hold();
  const { caller } = bench.release(OTHER);
  t.like(bench.answer(caller), { code: 'NOT_OWNER', holders: [{ node: { id: 1 } }] });
});

test('a release of what the owner holds on another node names that node', (t) => {
  const bench = startedBench();
  bench.tell(2, 1, [entryOf(1)]);
  const { caller } = bench.release(OTHER);
  t.like(bench.answer(caller), { code: 'NOT_HELD', holders: [{ node: { id: 2 } }] });
});

test('a release in a stopped lockspace is written, pending, and finished when it runs', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  bench.stopped();
  const { caller, effects } = bench.release();
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
  t.deepEqual(actionNames(effects), []);
  t.like(bench.answer(caller), { released: true, pending: true });
  t.deepEqual(actionNames(bench.running()), [`unlock ${id}`]);
  t.deepEqual(recordNames(bench.send({ kind: 'unlocked', id })), [`dropped ${id}`]);
});

test('whoever waits for an unlock is told pending when the lockspace stops', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const { caller } = bench.release();
  bench.stopped();
  t.like(bench.answer(caller), { released: true, pending: true });
  t.deepEqual(actionNames(bench.running()), []);
  bench.send({ kind: 'unlocked', id });
  t.is(bench.phase(id), 'none');
});

test('a release on a node that is isolated already is answered at once', (t) => {
  const bench = startedBench();
  bench.hold();
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  const { caller } = bench.release();
  t.like(bench.answer(caller), { released: true, pending: true });
});

test('an unlock of what the lock manager does not know is a release that is done', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const { caller } = bench.release();
  const failure = { code: 'UNKNOWN_LOCK', message: 'not known' };
  bench.send({ kind: 'unlock-failed', id, failure });
  t.like(bench.answer(caller), { released: true, pending: false });
  t.is(bench.listed.size, 0);
});

test('an unlock that failed is pending and tried again', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const { caller } = bench.release();
  const failure = { code: 'KERNEL', message: 'EBUSY' };
  const effects = bench.send({ kind: 'unlock-failed', id, failure });
  t.is(logsOf(effects, 'error').length, 1);
  t.like(bench.answer(caller), { pending: true });
  t.deepEqual(actionNames(bench.running()), [`unlock ${id}`]);
});

test('an unlock whose process ended is finished after its adoption', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const { caller } = bench.release();
  const failure = { code: 'CHILD_LOST', message: 'the child died' };
  t.deepEqual(logsOf(bench.send({ kind: 'unlock-failed', id, failure }), 'error'), []);
  bench.lose();
  t.like(bench.answer(caller), { pending: true });
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id })), [`unlock ${id}`]);
});

test('a release while the lock is an orphan is finished after its adoption', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  bench.lose();
  const { caller, effects } = bench.release();
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
  t.like(bench.answer(caller), { pending: true });
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id })), [`unlock ${id}`]);
});

test('a release answers the acquire that adoption would have answered', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: null });
  bench.lose();
  bench.release();
  t.is(bench.outcome(caller), 'CANCELED');
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id })), [`unlock ${id}`]);
});

test('the end of a process releases everything of it and nothing else', (t) => {
  const bench = startedBench();
  const one = bench.hold({ owner: PROCESS, resource: 'one' });
  const two = bench.hold({ owner: PROCESS, resource: 'two' });
  const kept = bench.hold({ resource: 'three' });
  const effects = bench.send({ kind: 'owner-ended', owner: PROCESS });
  t.deepEqual(actionNames(effects), [`unlock ${one}`, `unlock ${two}`]);
  t.is(bench.phase(kept), 'held');
  t.deepEqual(actionNames(bench.send({ kind: 'owner-ended', owner: PROCESS })), []);
});

test('the end of another process with the same pid changes nothing', (t) => {
  const bench = startedBench();
  bench.hold({ owner: PROCESS });
  const namesake = { kind: 'process', pid: 4711, startTime: 100 } as const;
  t.deepEqual(kindsOf(bench.send({ kind: 'owner-ended', owner: namesake })), []);
});

test('an owner that ends while its lock is an orphan is remembered in the list', (t) => {
  const bench = startedBench();
  const id = bench.hold({ owner: PROCESS });
  bench.lose();
  const effects = bench.send({ kind: 'owner-ended', owner: PROCESS });
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id })), [`unlock ${id}`]);
});

test('an unlock confirmation for a lock that is held changes nothing', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  t.deepEqual(kindsOf(bench.send({ kind: 'unlocked', id })), []);
  t.is(bench.phase(id), 'held');
});
