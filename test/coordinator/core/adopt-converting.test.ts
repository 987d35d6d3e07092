import test from 'ava';

import type { LockMode } from '../../../src/coordinator/core/mode.js';
import {
  actionNames, actionsOf, foundBench, joined, listedLock, logsOf, OTHER, recordsOf, startedBench,
} from './harness.js';

function orphan(mode: LockMode) {
  return { lockName: 'disk', mode };
}

test('an upgrade that the kernel granted before the crash is held in the new mode', (t) => {
  const bench = foundBench([listedLock(7, 'converting', { mode: 'PR' }, 'EX')]);
  t.like(actionsOf(bench.open([orphan('EX')]))[0], { kind: 'adopt', mode: 'EX' });
  const effects = bench.send({ kind: 'adopted', id: 7 });
  joined(bench);
  bench.wait(100);
  t.is(bench.phase(7), 'held');
  t.is(bench.mode(7), 'EX');
  t.like(bench.listed.get(7), { state: 'held', lock: { mode: 'EX' }, to: null });
  t.truthy(bench.listed.get(7)?.generation, 'an exclusive grant has its number');
  t.deepEqual(logsOf(effects, 'error'), []);
});

test('an upgrade that was given up goes back down when its grant is found at the adoption', (t) => {
  const bench = startedBench();
  const id = bench.hold({ mode: 'PR' });
  const { caller } = bench.convert('EX', { waitMs: null });
  bench.send({ kind: 'caller-gone', caller });
  t.like(recordsOf(bench.lose())[0], { kind: 'converting', from: 'EX', to: 'PR' });
  bench.open([orphan('EX')]);
  bench.send({ kind: 'adopted', id });
  bench.running();
  t.is(bench.mode(id), 'EX -> PR');
});

test('an upgrade that was given up keeps the old mode when that is found at the adoption', (t) => {
  const bench = startedBench();
  const id = bench.hold({ mode: 'PR' });
  const { caller } = bench.convert('EX', { waitMs: null });
  bench.send({ kind: 'caller-gone', caller });
  bench.lose();
  bench.open([orphan('PR')]);
  bench.send({ kind: 'adopted', id });
  t.is(bench.phase(id), 'held');
  t.is(bench.mode(id), 'PR');
});

test('an upgrade that was not granted before the crash is undone', (t) => {
  const bench = foundBench([listedLock(7, 'converting', { mode: 'PR' }, 'EX')]);
  bench.open([orphan('PR')]);
  bench.send({ kind: 'adopted', id: 7 });
  t.deepEqual(actionNames(joined(bench).running()), []);
  t.is(bench.mode(7), 'PR');
  t.is(bench.phase(7), 'held');
  t.is(bench.state.locks.get(7)?.sinceMs, 1_780_000_000_000);
});

test('a downgrade that the kernel has done is held in the weaker mode', (t) => {
  const bench = startedBench([listedLock(7, 'converting', {}, 'PR')], [orphan('PR')]);
  bench.send({ kind: 'adopted', id: 7 });
  t.is(bench.mode(7), 'PR');
  t.is(bench.phase(7), 'held');
});

test('a downgrade that the kernel has not done is finished when the lockspace runs', (t) => {
  const bench = foundBench([listedLock(7, 'converting', {}, 'PR')]);
  bench.open([orphan('EX')]);
  bench.send({ kind: 'adopted', id: 7 });
  t.is(bench.mode(7), 'EX -> PR');
  joined(bench);
  t.like(bench.listed.get(7), { state: 'converting', to: 'PR' });
  bench.running();
  bench.send({ kind: 'converted', id: 7 });
  t.is(bench.mode(7), 'PR');
  t.is(bench.phase(7), 'held');
});

test('a converted lock that the kernel no longer has is lost', (t) => {
  const bench = foundBench([listedLock(7, 'converting', { mode: 'PR' }, 'EX')]);
  t.regex(logsOf(bench.open([]), 'error').join(), /LOST/);
  t.is(bench.listed.size, 0);
});

test('a release that was asked for during a convert is finished in either mode', (t) => {
  for (const mode of ['PR', 'EX'] as const) {
    const bench = foundBench([listedLock(7, 'releasing', { mode: 'PR' }, 'EX')]);
    bench.open([orphan(mode)]);
    const effects = bench.send({ kind: 'adopted', id: 7 });
    t.like(recordsOf(effects)[0], { kind: 'releasing', mode });
    joined(bench);
    t.deepEqual(bench.state.locks.get(7)?.phase.kind, 'releasing');
  }
});

test('without tables both modes are tried, the one before the convert first', (t) => {
  const bench = foundBench([listedLock(7, 'converting', { mode: 'PR' }, 'EX')]);
  t.like(actionsOf(bench.open(null))[0], { kind: 'adopt', mode: 'PR' });
  t.like(actionsOf(bench.adoptFail(7, 'OTHER_MODE'))[0], { kind: 'adopt', mode: 'EX' });
  bench.send({ kind: 'adopted', id: 7 });
  t.is(bench.mode(7), 'EX');
});

test('without tables no second try takes the orphan of another lock of the resource', (t) => {
  const bench = foundBench([
    listedLock(1, 'intent', { mode: 'PR', owner: OTHER }),
    listedLock(2, 'converting', { mode: 'CR' }, 'PR'),
    listedLock(3, 'held', { resource: 'web' }),
  ]);
  t.deepEqual(actionNames(bench.open(null)), ['adopt 3', 'adopt 2']);
  t.like(actionsOf(bench.adoptFail(2, 'OTHER_MODE'))[0], { kind: 'adopt', id: 2, mode: 'PR' });
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id: 2 })), ['adopt 1']);
  bench.send({ kind: 'adopted', id: 3 });
  t.is(bench.state.lockspaceLink.kind, 'adopting');
  bench.adoptFail(1, 'NO_ORPHAN');
  t.is(bench.state.lockspaceLink.kind, 'open');
  t.is(bench.mode(2), 'PR');
});

test('a lost process leaves an upgrade to be found in either mode, and its caller is told', (t) => {
  for (const [mode, outcome] of [['EX', 'converted'], ['PR', 'LOCK_MANAGER']] as const) {
    const bench = startedBench();
    const id = bench.hold({ mode: 'PR' });
    const { caller } = bench.convert('EX', { waitMs: null });
    bench.lose();
    t.is(bench.outcome(caller), 'open');
    bench.open([orphan(mode)]);
    bench.send({ kind: 'adopted', id });
    t.is(bench.outcome(caller), outcome);
    t.is(bench.mode(id), mode);
  }
});

test('a lost process makes a downgrade pending, and it is finished after adoption', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const { caller } = bench.convert('PR');
  bench.lose();
  t.like(bench.answer(caller), { kind: 'converted', pending: true });
  bench.open([orphan('EX')]);
  const effects = [...bench.send({ kind: 'adopted', id }), ...bench.running()];
  t.deepEqual(actionNames(effects), [`convert ${id}`]);
  bench.send({ kind: 'converted', id });
  t.is(bench.mode(id), 'PR');
});

test('a parked upgrade is refused when its process ends, and the lock stays held', (t) => {
  const bench = startedBench();
  const id = bench.hold({ mode: 'PR' });
  bench.stopped();
  const { caller } = bench.convert('EX', { waitMs: null });
  bench.lose();
  t.is(bench.outcome(caller), 'LOCK_MANAGER');
  bench.open([orphan('PR')]);
  bench.send({ kind: 'adopted', id });
  t.is(bench.phase(id), 'held');
});

test('a held lock found in a stronger mode than listed is held in that one, with a warning', (t) => {
  const bench = startedBench([listedLock(7, 'held', { mode: 'PR' })], [orphan('EX')]);
  const effects = bench.send({ kind: 'adopted', id: 7 });
  t.regex(logsOf(effects, 'warn').join(), /found in EX, which the list does not explain/);
  t.is(bench.mode(7), 'EX');
  t.is(bench.phase(7), 'held');
  t.not(bench.state.locks.get(7)?.generation ?? null, null, 'nobody is alone without a number');
});

test('a held lock found in a weaker mode than listed is lost', (t) => {
  const bench = startedBench([listedLock(7, 'held')], [orphan('PR')]);
  const effects = bench.send({ kind: 'adopted', id: 7 });
  t.regex(logsOf(effects, 'error').join(), /LOST/);
});

test('in a damaged list a lock is not lowered for a record of it: it may have been raised since', (t) => {
  const listed = [{ ...listedLock(7, 'converting', { mode: 'EX' }, 'PR'), generation: 4 }];
  const bench = foundBench(listed, { upTo: 9, isCertain: false });
  t.like(bench.listed.get(7), { state: 'converting', lock: { mode: 'PR' }, to: 'EX' },
    'a start after the damaged list was written anew must not lower it either');
  bench.open([orphan('EX')]);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id: 7 })), []);
  joined(bench);
  bench.wait(100);
  bench.running();
  t.is(bench.mode(7), 'EX');
  t.is(bench.phase(7), 'held');
  t.true((bench.listed.get(7)?.generation ?? 0) > 9, 'the number that it had may be an old one');
});

test('in a damaged list a lock that was lowered is held in the weaker mode', (t) => {
  const listed = [listedLock(7, 'converting', { mode: 'EX' }, 'PR')];
  const bench = foundBench(listed, { upTo: 9, isCertain: false });
  bench.open([orphan('PR')]);
  const effects = bench.send({ kind: 'adopted', id: 7 });
  t.deepEqual(logsOf(effects, 'error'), []);
  t.is(bench.mode(7), 'PR');
  t.is(bench.phase(7), 'held');
});

test('in a damaged list a release that ended a convert takes an orphan of neither mode', (t) => {
  const listed = [listedLock(7, 'releasing', { mode: 'PR' }, 'EX')];
  const bench = foundBench(listed, { upTo: 9, isCertain: false });
  bench.open([orphan('PR'), orphan('EX')]);
  t.is(bench.phase(7), 'none');
  for (const id of [8, 9]) t.deepEqual(actionNames(bench.send({ kind: 'adopted', id })), []);
  t.deepEqual([8, 9].map((id) => bench.phase(id)), ['quarantined', 'quarantined']);
});
