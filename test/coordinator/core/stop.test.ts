import test from 'ava';

import { actionNames, foundBench, listedLock, sentBodies, startedBench, type Bench } from './harness.js';

function stop(bench: Bench, locks: 'refuse' | 'release' | 'keep'): number {
  const caller = bench.caller();
  bench.send({ kind: 'stop', caller, locks });
  return caller;
}

test('a stop without locks says goodbye and is done', (t) => {
  const bench = startedBench();
  const caller = bench.caller();
  const effects = bench.send({ kind: 'stop', caller, locks: 'refuse' });
  t.deepEqual(sentBodies(effects), [{ kind: 'goodbye', keepsLocks: false }]);
  t.deepEqual(bench.answer(caller), { kind: 'stopped', kept: 0 });
});

test('a stop is refused while locks are held, and everything goes on', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const caller = stop(bench, 'refuse');
  t.like(bench.answer(caller), { code: 'LOCKS_HELD' });
  t.is(bench.phase(id), 'held');
  t.is(bench.outcome(bench.acquire({ resource: 'other' }).caller), 'open');
});

test('a refusal to stop names the first of many locks', (t) => {
  const bench = startedBench();
  for (let at = 0; at < 10; at += 1) bench.hold({ resource: `r${at}` });
  t.regex(JSON.stringify(bench.answer(stop(bench, 'refuse'))), /'r0'.* and 2 more/);
});

test('a stop that releases waits for the kernel', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const caller = stop(bench, 'release');
  t.is(bench.outcome(caller), 'open');
  const effects = bench.send({ kind: 'unlocked', id });
  t.like(sentBodies(effects).at(-1), { kind: 'goodbye', keepsLocks: false });
  t.deepEqual(bench.answer(caller), { kind: 'stopped', kept: 0 });
});

test('a stop that keeps leaves the locks to the next start', (t) => {
  const bench = startedBench();
  bench.hold();
  t.deepEqual(bench.answer(stop(bench, 'keep')), { kind: 'stopped', kept: 1 });
  t.is(bench.listed.size, 1);
});

test('a stop cancels who waits, and gives back a grant that wins the race', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: null });
  const stopper = stop(bench, 'keep');
  t.is(bench.outcome(caller), 'CANCELED');
  t.deepEqual(actionNames(bench.send({ kind: 'granted', id })), [`unlock ${id}`]);
  t.is(bench.outcome(stopper), 'open');
  bench.send({ kind: 'unlocked', id });
  t.deepEqual(bench.answer(stopper), { kind: 'stopped', kept: 0 });
});

test('a stop in a stopped lockspace counts what the kernel still has', (t) => {
  const bench = startedBench();
  bench.hold();
  bench.stopped();
  const caller = bench.caller();
  const effects = bench.send({ kind: 'stop', caller, locks: 'release' });
  t.deepEqual(bench.answer(caller), { kind: 'stopped', kept: 1 });
  t.deepEqual(sentBodies(effects).at(-1), { kind: 'goodbye', keepsLocks: true });
});

test('a stop in the middle of an adoption counts what is being adopted as kept', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  bench.lose();
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  t.deepEqual(bench.answer(stop(bench, 'release')), { kind: 'stopped', kept: 1 });
  t.is(bench.listed.get(id)?.state, 'held');
});

test('a stop answers the callers whose take was lost with the process', (t) => {
  const bench = startedBench();
  const { caller } = bench.acquire({ waitMs: null });
  bench.lose();
  stop(bench, 'release');
  t.is(bench.outcome(caller), 'CANCELED');
});

test('a stop answers the refusals that wait for their explanation', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  bench.fail(id, 'WOULD_BLOCK');
  stop(bench, 'refuse');
  t.is(bench.outcome(caller), 'HELD');
});

test('a second stop is refused, and so is every request after the stop', (t) => {
  const bench = startedBench();
  bench.hold();
  stop(bench, 'keep');
  t.is(bench.outcome(stop(bench, 'keep')), 'STOPPING');
  t.is(bench.outcome(bench.acquire({ resource: 'other' }).caller), 'STOPPING');
  t.is(bench.outcome(bench.acquire().caller), 'STOPPING');
  t.is(bench.outcome(bench.release().caller), 'STOPPING');
});

test('a stop before the lockspace is open keeps the list as it is', (t) => {
  const bench = foundBench([listedLock(7, 'held')]);
  t.like(bench.answer(stop(bench, 'refuse')), { code: 'LOCKS_HELD' });
  t.deepEqual(bench.answer(stop(bench, 'keep')), { kind: 'stopped', kept: 1 });
  t.is(bench.listed.get(7)?.state, 'held');
});
