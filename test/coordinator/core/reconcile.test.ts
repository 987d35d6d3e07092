import test from 'ava';

import { actionNames, actionsOf, Bench, foundBench, FRESH, joined, kindsOf, listedLock, logsOf, recordNames, startedBench, OTHER, PROCESS, VM } from './harness.js';

const EX = [{ lockName: 'disk', mode: 'EX' as const }];

test('held or intent with an orphan of the same mode is adopted and held', (t) => {
  for (const state of ['held', 'intent'] as const) {
    const bench = foundBench([listedLock(7, state)]);
    t.deepEqual(actionNames(bench.open(EX)), ['adopt 7']);
    const effects = bench.send({ kind: 'adopted', id: 7 });
    t.is(bench.phase(7), state === 'intent' ? 'claiming' : 'held');
    t.deepEqual(recordNames(effects), []);
    joined(bench);
    bench.wait(0);
    t.is(bench.phase(7), 'held', 'once the group has given an intent its generation');
    t.is(bench.listed.get(7)?.state, 'held');
    if (state === 'held') t.is(bench.listed.get(7)?.generation, 7);
    else t.true((bench.listed.get(7)?.generation ?? 0) > 7);
  }
});

test('an adopted lock is held since it was first held', (t) => {
  const bench = startedBench([listedLock(7, 'held')], EX);
  bench.send({ kind: 'adopted', id: 7 });
  t.is(bench.state.locks.get(7)?.sinceMs, 1_780_000_000_000);
});

test('held with an orphan of another mode is reported lost and what is left is released', (t) => {
  const bench = startedBench([listedLock(7, 'held')], [{ lockName: 'disk', mode: 'NL' }]);
  const effects = bench.send({ kind: 'adopted', id: 7 });
  t.regex(logsOf(effects, 'error').join(), /LOST/);
  t.deepEqual(actionNames(effects), ['unlock 7']);
});

test('an intent with an orphan in NL was never granted: the rest of it is released', (t) => {
  const bench = startedBench([listedLock(7, 'intent')], [{ lockName: 'disk', mode: 'NL' }]);
  const effects = bench.send({ kind: 'adopted', id: 7 });
  t.deepEqual(logsOf(effects, 'error'), []);
  t.deepEqual(actionNames(effects), ['unlock 7']);
});

test('in a damaged list a release takes no orphan of its mode: it may be that of a lost record', (t) => {
  const bench = foundBench([listedLock(7, 'releasing')], { upTo: 0, isCertain: false });
  const effects = bench.open([{ lockName: 'disk', mode: 'EX' }, { lockName: 'disk', mode: 'NL' }]);
  t.deepEqual(actionNames(effects), ['adopt 7', 'adopt 8']);
  t.deepEqual(actionsOf(effects).map((action) => 'mode' in action && action.mode), ['NL', 'EX']);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id: 8 })), []);
  t.is(bench.phase(8), 'quarantined');
});

test('where one orphan may be that of an intent or of a release, the intent has it', (t) => {
  // What the list lost at its end may be that the release was done and the intent held.
  const bench = foundBench([listedLock(7, 'releasing'), listedLock(8, 'intent', { owner: OTHER })]);
  t.deepEqual(actionNames(bench.open(EX)), ['adopt 8']);
  t.is(bench.phase(7), 'none');
});

test('held without an orphan is lost, said so loudly, and never taken again', (t) => {
  const bench = foundBench([listedLock(7, 'held')]);
  const effects = bench.open([]);
  t.regex(logsOf(effects, 'error').join(), /LOST/);
  t.deepEqual(recordNames(effects), ['dropped 7']);
  t.deepEqual(actionNames(effects), []);
  t.true(
    effects.some((effect) => {
      return (
        effect.kind === 'publish' &&
        effect.event.type === 'lock' &&
        effect.event.lock.state === 'lost'
      );
    }),
  );
});

test('intent or releasing without an orphan is dropped', (t) => {
  for (const state of ['intent', 'releasing'] as const) {
    const bench = foundBench([listedLock(7, state)]);
    const effects = bench.open([]);
    t.deepEqual(recordNames(effects), ['dropped 7']);
    t.deepEqual(logsOf(effects, 'error'), []);
  }
});

test('releasing with an orphan is adopted, then released', (t) => {
  const bench = startedBench([listedLock(7, 'releasing')], EX);
  const effects = bench.send({ kind: 'adopted', id: 7 });
  t.deepEqual(actionNames(effects), ['unlock 7']);
  bench.send({ kind: 'unlocked', id: 7 });
  t.is(bench.listed.size, 0);
});

test('whatever was listed in another boot ended with it', (t) => {
  for (const state of ['held', 'intent', 'releasing', 'quarantined'] as const) {
    const bench = foundBench([listedLock(7, state, { bootId: 'boot-0' })]);
    t.is(bench.state.locks.size, 0);
    t.is(bench.listed.size, 0);
    t.deepEqual(actionNames(bench.open([])), []);
  }
});

test('an orphan that no list explains goes into quarantine, listed before it is adopted', (t) => {
  const bench = foundBench([]);
  const effects = bench.open(EX);
  t.deepEqual(kindsOf(effects), ['persist', 'lock']);
  t.deepEqual(recordNames(effects), ['quarantined 1']);
  bench.send({ kind: 'adopted', id: 1 });
  joined(bench);
  t.is(bench.phase(1), 'quarantined');
  t.like(bench.answer(bench.release(VM).caller), { released: false });
  t.is(bench.phase(1), 'quarantined');
});

test('a quarantined lock stays so over the next start', (t) => {
  const bench = startedBench([listedLock(7, 'quarantined', { owner: null })], EX);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id: 7 })), []);
  t.is(bench.phase(7), 'quarantined');
});

test('an unexplained orphan in NL protects nothing and is released', (t) => {
  const bench = startedBench([], [{ lockName: 'disk', mode: 'NL' }]);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id: 1 })), ['unlock 1']);
});

test('the process of a listed lock is watched at once, and its end releases the adopted lock', (t) => {
  const bench = new Bench();
  const entry = listedLock(7, 'held', { owner: PROCESS });
  bench.listed.set(7, entry);
  const found = bench.send({ kind: 'list-found', locks: [entry], generations: FRESH });
  t.true(kindsOf(found).includes('watch-owner'));
  bench.quorum();
  bench.running();
  bench.open(EX);
  bench.send({ kind: 'adopted', id: 7 });
  const ended = bench.send({ kind: 'owner-ended', owner: PROCESS });
  t.deepEqual(actionNames(ended), ['unlock 7']);
});

test('several owners of one shared resource each get an orphan back', (t) => {
  const bench = foundBench([
    listedLock(1, 'held', { mode: 'PR' }),
    listedLock(2, 'held', { mode: 'PR', owner: OTHER }),
  ]);
  const pr = { lockName: 'disk', mode: 'PR' as const };
  t.deepEqual(actionNames(bench.open([pr, pr])), ['adopt 1', 'adopt 2']);
});

test('of several owners with too few orphans only the surplus is lost', (t) => {
  const bench = foundBench([
    listedLock(1, 'held', { mode: 'PR' }),
    listedLock(2, 'held', { mode: 'PR', owner: OTHER }),
  ]);
  const effects = bench.open([{ lockName: 'disk', mode: 'PR' }]);
  t.deepEqual(actionNames(effects), ['adopt 1']);
  t.is(logsOf(effects, 'error').length, 1);
});

test('a waiting request does not take the orphan of a holder of another mode', (t) => {
  const bench = foundBench([
    listedLock(1, 'intent', { mode: 'EX' }),
    listedLock(2, 'held', { mode: 'PR', owner: OTHER }),
  ]);
  const effects = bench.open([
    { lockName: 'disk', mode: 'PR' },
    { lockName: 'disk', mode: 'NL' },
  ]);
  const adoptions = actionsOf(effects).map((action) => [action.id, 'mode' in action && action.mode]);
  t.deepEqual(adoptions, [[2, 'PR'], [1, 'NL']]);
});

test('a waiting request does not take the orphan of a holder of the same mode', (t) => {
  for (const tables of [true, false]) {
    const bench = foundBench([
      listedLock(1, 'intent', { mode: 'PR' }),
      listedLock(2, 'held', { mode: 'PR', owner: OTHER }),
    ]);
    const orphans = [
      { lockName: 'disk', mode: 'NL' as const },
      { lockName: 'disk', mode: 'PR' as const },
    ];
    const effects = bench.open(tables ? orphans : null);
    t.like(actionsOf(effects)[0], { kind: 'adopt', id: 2, mode: 'PR' });
  }
});

test('without kernel tables adoption itself tells what there is', (t) => {
  const bench = foundBench([
    listedLock(1, 'held', { resource: 'a' }),
    listedLock(2, 'held', { resource: 'b' }),
    listedLock(3, 'intent', { resource: 'c' }),
  ]);
  t.deepEqual(actionNames(bench.open(null)), ['adopt 1', 'adopt 2', 'adopt 3']);
  bench.send({ kind: 'adopted', id: 1 });
  t.regex(logsOf(bench.adoptFail(2, 'NO_ORPHAN'), 'error').join(), /LOST/);
  t.deepEqual(actionNames(bench.adoptFail(3, 'OTHER_MODE')), ['adopt 3']);
  bench.send({ kind: 'adopted', id: 3 });
  joined(bench);
  t.is(bench.phase(1), 'held');
  t.is(bench.phase(2), 'none');
  t.is(bench.phase(3), 'releasing');
});

test('a lock that cannot be adopted stays an orphan and is tried again at the next open', (t) => {
  const bench = startedBench([listedLock(7, 'held')], EX);
  bench.adoptFail(7, 'KERNEL');
  t.is(bench.phase(7), 'orphaned');
  t.is(bench.listed.get(7)?.state, 'held');
  bench.lose();
  t.deepEqual(actionNames(bench.open(EX)), ['adopt 7']);
});

test('a lock that could not be adopted is tried again at the next look at the lockspace', (t) => {
  const bench = startedBench([listedLock(7, 'held')], EX);
  bench.adoptFail(7, 'KERNEL');
  t.deepEqual(actionNames(bench.running()), ['adopt 7']);
  bench.send({ kind: 'adopted', id: 7 });
  t.is(bench.phase(7), 'held');
});

test('an adoption whose process ended does not count as settled', (t) => {
  const bench = startedBench([listedLock(7, 'held')], EX);
  bench.adoptFail(7, 'CHILD_LOST');
  t.is(bench.state.standing.kind, 'recovering');
  bench.lose();
  t.deepEqual(actionNames(bench.open(EX)), ['adopt 7']);
});

test('a lost process leaves every lock to be found again, in each phase', (t) => {
  const bench = startedBench([listedLock(1, 'quarantined', { owner: null, resource: 'q' })], [
    { lockName: 'q', mode: 'EX' },
  ]);
  bench.send({ kind: 'adopted', id: 1 });
  const held = bench.hold({ resource: 'h' });
  const releasing = bench.hold({ resource: 'r' });
  const { caller } = bench.release(VM, 'r');
  const taking = bench.acquire({ resource: 't', waitMs: null });
  bench.lose();
  t.like(bench.answer(caller), { pending: true });
  const names = ['q', 'h', 'r', 't'].map((lockName) => ({ lockName, mode: 'EX' as const }));
  bench.open(names);
  for (const id of [1, held, releasing, taking.id]) bench.send({ kind: 'adopted', id });
  t.is(bench.phase(1), 'quarantined');
  t.is(bench.phase(held), 'held');
  t.is(bench.phase(releasing), 'releasing');
  t.is(bench.phase(taking.id), 'held');
  t.is(bench.outcome(taking.caller), 'acquired');
});

test('a take that the kernel never granted fails when its process is lost', (t) => {
  for (const orphans of [[], [{ lockName: 'disk', mode: 'NL' as const }]]) {
    const bench = startedBench();
    const { caller, id } = bench.acquire({ waitMs: null });
    bench.lose();
    bench.open(orphans);
    if (orphans.length > 0) bench.send({ kind: 'adopted', id });
    t.is(bench.outcome(caller), 'LOCK_MANAGER');
  }
});

test('a process lost again in the middle of adoption begins it anew', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  bench.lose();
  bench.open(EX);
  bench.lose();
  t.is(bench.phase(id), 'orphaned');
  t.deepEqual(actionNames(bench.open(EX)), [`adopt ${id}`]);
  bench.send({ kind: 'adopted', id });
  t.is(bench.phase(id), 'held');
  t.is(bench.state.standing.kind, 'ok');
});

test('no id is given twice while the list still has it', (t) => {
  const bench = startedBench([listedLock(41, 'held')], EX);
  bench.send({ kind: 'adopted', id: 41 });
  t.is(bench.acquire({ resource: 'other' }).id, 42);
});

test('a grant found by adoption on an isolated node is given back', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: null });
  bench.lose();
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  bench.open(EX);
  bench.send({ kind: 'adopted', id });
  t.is(bench.outcome(caller), 'ISOLATED');
  t.is(bench.phase(id), 'releasing');
});

test('an intent does not release an orphan in a third mode: it is put into quarantine', (t) => {
  const bench = foundBench([listedLock(7, 'intent')]);
  const effects = bench.open([{ lockName: 'disk', mode: 'PR' }]);
  t.deepEqual(recordNames(effects), ['dropped 7', 'quarantined 8']);
  bench.send({ kind: 'adopted', id: 8 });
  t.is(bench.phase(8), 'quarantined');
});

test('that a lock is lost is said before the list forgets it', (t) => {
  const bench = foundBench([listedLock(7, 'held')]);
  const kinds = bench.open([]).map(({ kind }) => kind);
  t.deepEqual(kinds.slice(0, 3), ['log', 'publish', 'persist']);
});
