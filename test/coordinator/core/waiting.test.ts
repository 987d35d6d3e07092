import test from 'ava';

import { CANCEL_GRACE_MS, EXPLAIN_GRACE_MS } from '../../../src/coordinator/core/limits.js';
import { actionNames, recordNames, startedBench, PROCESS, VM } from './harness.js';

test('a time-out asks the kernel to cancel and answers when the kernel has', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: 1_000 });
  t.deepEqual(actionNames(bench.wait(999)), []);
  t.deepEqual(actionNames(bench.wait(1)), [`cancel ${id}`]);
  t.is(bench.outcome(caller), 'open');
  bench.fail(id, 'CANCELED');
  bench.wait(EXPLAIN_GRACE_MS);
  t.is(bench.outcome(caller), 'TIMEOUT');
  t.is(bench.phase(id), 'none');
});

test('a grant that wins the race against the time-out is kept and told', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: 1_000 });
  bench.wait(1_000);
  bench.send({ kind: 'granted', id });
  t.is(bench.outcome(caller), 'acquired');
  t.is(bench.phase(id), 'held');
});

test('a kernel that does not decide keeps nobody waiting beyond the grace', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: 1_000 });
  bench.wait(1_000);
  bench.wait(CANCEL_GRACE_MS);
  t.is(bench.outcome(caller), 'TIMEOUT');
  const effects = bench.send({ kind: 'granted', id });
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
  t.deepEqual(actionNames(effects), [`unlock ${id}`]);
});

test('the time-out of one caller leaves the wait of another alone', (t) => {
  const bench = startedBench();
  const hasty = bench.acquire({ waitMs: 1_000 });
  const patient = bench.acquire({ waitMs: 9_000 });
  t.deepEqual(actionNames(bench.wait(1_000)), []);
  t.is(bench.outcome(hasty.caller), 'TIMEOUT');
  bench.send({ kind: 'granted', id: hasty.id });
  t.is(bench.outcome(patient.caller), 'acquired');
});

test('a caller who comes while a take is being cancelled is told to try again', (t) => {
  const bench = startedBench();
  bench.acquire({ waitMs: 1_000 });
  bench.wait(1_000);
  t.is(bench.outcome(bench.acquire({ waitMs: null }).caller), 'BUSY');
});

test('the last caller to go cancels, and a grant that wins is given back', (t) => {
  const bench = startedBench();
  const one = bench.acquire({ waitMs: null });
  const two = bench.acquire({ waitMs: null });
  t.deepEqual(actionNames(bench.send({ kind: 'caller-gone', caller: one.caller })), []);
  const effects = bench.send({ kind: 'caller-gone', caller: two.caller });
  t.deepEqual(actionNames(effects), [`cancel ${one.id}`]);
  t.deepEqual(actionNames(bench.send({ kind: 'granted', id: one.id })), [`unlock ${one.id}`]);
});

test('an owner that ends while it waits gets nothing, though the grant wins the race', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: null, owner: PROCESS });
  t.deepEqual(actionNames(bench.send({ kind: 'owner-ended', owner: PROCESS })), [`cancel ${id}`]);
  t.is(bench.outcome(caller), 'CANCELED');
  const effects = bench.send({ kind: 'granted', id });
  t.deepEqual(actionNames(effects), [`unlock ${id}`]);
});

test('an owner that ends after its time-out gets nothing either', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: 1_000, owner: PROCESS });
  bench.wait(1_000);
  bench.send({ kind: 'owner-ended', owner: PROCESS });
  t.is(bench.outcome(caller), 'CANCELED');
  t.deepEqual(actionNames(bench.send({ kind: 'granted', id })), [`unlock ${id}`]);
});

test('a release while waiting cancels, and a grant that wins the race is given back', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: null });
  const release = bench.release();
  t.like(bench.answer(release.caller), { kind: 'released', released: false });
  t.is(bench.outcome(caller), 'CANCELED');
  t.deepEqual(actionNames(bench.send({ kind: 'granted', id })), [`unlock ${id}`]);
});

test('a parked wait times out with the reason that it was parked for', (t) => {
  const bench = startedBench();
  bench.stopped('fencing');
  const { caller } = bench.acquire({ waitMs: 1_000, owner: PROCESS });
  bench.wait(1_000);
  const answer = bench.answer(caller);
  t.like(answer, { code: 'TIMEOUT' });
  t.regex(JSON.stringify(answer), /fencing/);
  t.notRegex(JSON.stringify(answer), /DLM says/);
  t.is(bench.state.locks.size, 0);
});

test('a parked wait whose caller goes is forgotten', (t) => {
  const bench = startedBench();
  bench.stopped();
  const { caller } = bench.acquire({ waitMs: null });
  bench.send({ kind: 'caller-gone', caller });
  t.is(bench.state.locks.size, 0);
  t.deepEqual(actionNames(bench.running()), []);
});

test('a wait whose process was lost still times out', (t) => {
  const bench = startedBench();
  const { caller } = bench.acquire({ waitMs: 1_000 });
  bench.lose();
  bench.wait(1_000);
  t.is(bench.outcome(caller), 'TIMEOUT');
});

test('a grant found by adoption is given back when its caller has timed out or gone', (t) => {
  for (const leave of ['timeout', 'gone'] as const) {
    const bench = startedBench();
    const { caller, id } = bench.acquire({ waitMs: 1_000 });
    bench.lose();
    if (leave === 'gone') bench.send({ kind: 'caller-gone', caller });
    else bench.wait(1_000);
    bench.open([{ lockName: 'disk', mode: 'EX' }]);
    t.deepEqual(actionNames(bench.send({ kind: 'adopted', id })), [`unlock ${id}`]);
    bench.send({ kind: 'unlocked', id });
    t.is(bench.listed.size, 0);
  }
});

test('an abandoned take that becomes an orphan is released after its adoption', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: null });
  bench.send({ kind: 'caller-gone', caller });
  bench.lose();
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id })), [`unlock ${id}`]);
});

test('a refusal that waits for its explanation ends with its caller', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  bench.fail(id, 'WOULD_BLOCK');
  bench.send({ kind: 'caller-gone', caller });
  bench.wait(EXPLAIN_GRACE_MS);
  t.is(bench.outcome(caller), 'open');
  t.is(bench.find('disk', VM), undefined);
});

test('a wait that nobody wants any more is listed as being given up before anybody is told', (t) => {
  const released = startedBench();
  const { id } = released.acquire({ waitMs: 1_000 });
  const { effects } = released.release();
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
  t.is(effects[0]?.kind, 'persist');

  const late = startedBench();
  const waiting = late.acquire({ waitMs: 1_000 });
  late.wait(1_000);
  const told = late.wait(CANCEL_GRACE_MS);
  t.is(late.outcome(waiting.caller), 'TIMEOUT');
  t.deepEqual(recordNames(told), [`releasing ${waiting.id}`]);
});
