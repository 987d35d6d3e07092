import test from 'ava';

import { actionNames, foundBench, joined, listedLock, logsOf, Bench } from './harness.js';

test('a start rolls back a set of which any member is an intent, the held ones too', (t) => {
  const bench = foundBench([
    listedLock(4, 'held', { resource: 'a', lockName: 'a', set: 4 }),
    listedLock(5, 'intent', { resource: 'b', lockName: 'b', set: 4 }),
    listedLock(6, 'held', { resource: 'x', lockName: 'x' }),
  ]);
  t.deepEqual([4, 5].map((id) => bench.listed.get(id)?.state), ['releasing', 'releasing']);
  bench.open([
    { lockName: 'a', mode: 'EX' }, { lockName: 'b', mode: 'EX' }, { lockName: 'x', mode: 'EX' },
  ]);
  for (const id of [4, 5, 6]) bench.send({ kind: 'adopted', id });
  joined(bench);
  bench.running();
  for (const id of [4, 5]) bench.send({ kind: 'unlocked', id });
  t.deepEqual([...bench.state.locks.keys()], [6]);
  t.is(bench.phase(6), 'held');
});

test('a start keeps a set whose members are all held, also when one was released since', (t) => {
  const bench = foundBench([
    listedLock(4, 'held', { resource: 'a', lockName: 'a', set: 4 }),
    listedLock(5, 'held', { resource: 'b', lockName: 'b', set: 4 }),
    listedLock(6, 'releasing', { resource: 'c', lockName: 'c', set: 4 }),
  ]);
  bench.open(['a', 'b', 'c'].map((lockName) => ({ lockName, mode: 'EX' as const })));
  for (const id of [4, 5, 6]) bench.send({ kind: 'adopted', id });
  t.deepEqual([4, 5, 6].map((id) => bench.phase(id)), ['held', 'held', 'releasing']);
  t.deepEqual(logsOf(bench.running(), 'error'), []);
});

test('after damage a set with a held member is kept, and what the kernel lacks of it is lost', (t) => {
  const listed = [
    listedLock(4, 'held', { resource: 'a', lockName: 'a', set: 4 }),
    listedLock(5, 'intent', { resource: 'b', lockName: 'b', set: 4 }),
    listedLock(6, 'intent', { resource: 'c', lockName: 'c', set: 4 }),
  ];
  const bench = foundBench(listed, { upTo: 0, isCertain: false });
  t.deepEqual([4, 5, 6].map((id) => bench.listed.get(id)?.state), ['held', 'held', 'held'],
    'a crash after the damaged list was written anew must not roll it back either');
  const opened = bench.open(['a', 'b'].map((lockName) => ({ lockName, mode: 'EX' as const })));
  t.regex(logsOf(opened, 'error').join(), /'c' .* is LOST/);
  for (const id of [4, 5]) t.deepEqual(actionNames(bench.send({ kind: 'adopted', id })), []);
  joined(bench);
  t.deepEqual(actionNames(bench.running()), []);
  t.deepEqual([4, 5, 6].map((id) => bench.phase(id)), ['held', 'held', 'none']);
});

test('after damage a set is told as kept, and one of intents alone is not given back', (t) => {
  const bench = new Bench();
  const locks = ['a', 'b'].map((name, at) => {
    return listedLock(4 + at, 'intent', { resource: name, lockName: name, set: 4 });
  });
  for (const entry of locks) bench.listed.set(entry.lock.id, entry);
  const generations = { upTo: 0, isCertain: false };
  const effects = bench.send({ kind: 'list-found', locks, generations });
  t.regex(logsOf(effects, 'warn').join(), /'a', 'b' of .*vm-17.* is kept: the lock list was damaged/);
  t.deepEqual([4, 5].map((id) => bench.listed.get(id)?.state), ['intent', 'intent']);
});
