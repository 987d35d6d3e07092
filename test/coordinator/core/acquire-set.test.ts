import test from 'ava';

import { inOrder } from '../../../src/coordinator/core/lock-set.js';
import {
  actionNames, entryOf, kindsOf, recordNames, recordsOf, startedBench, PROCESS, VM,
} from './harness.js';
import { askSet, grant, halfTaken, idOf, refusalOf } from './set-bench.js';

test('members are taken one after the other in the order of their names, whatever was asked', (t) => {
  const bench = startedBench();
  const { caller, effects } = askSet(bench);
  t.deepEqual(recordNames(effects), ['intent 1']);
  t.like(recordsOf(effects)[0], { lock: { resource: 'a', set: 1 } });
  t.deepEqual(actionNames(effects), ['take 1']);
  t.deepEqual(actionNames(grant(bench, 'a')), ['take 2']);
  t.deepEqual(actionNames(grant(bench, 'b')), ['take 3']);
  t.is(bench.state.locks.get(2)?.facts.resource, 'b');
  t.is(bench.state.locks.get(3)?.facts.set, 1);
  t.is(bench.outcome(caller), 'open');
  t.deepEqual(['a', 'b', 'c'].map((name) => bench.phase(idOf(bench, name))), [
    'gathered', 'gathered', 'taking',
  ]);
});

test('when the last is granted, all are listed as held in one append, and then answered once', (t) => {
  const { bench, caller } = halfTaken();
  const effects = grant(bench, 'c');
  t.deepEqual(recordNames(effects), ['held 1', 'held 2', 'held 3']);
  t.deepEqual(kindsOf(effects).filter((kind) => kind !== 'send'), ['persist', 'confirm-set']);
  t.is(bench.outcome(caller), 'open');
  bench.nowMs += 5;
  bench.send({ kind: 'set-listed', set: 1 });
  const answer = bench.answer(caller);
  const members = answer.kind === 'acquired-set' ? answer.members : [];
  t.deepEqual(members.map(({ lock, acquired }) => [lock.resource, lock.state, acquired]), [
    ['c', 'held', true], ['a', 'held', true], ['b', 'held', true],
  ]);
  t.deepEqual([1, 2, 3].map((id) => bench.phase(id)), ['held', 'held', 'held']);
  t.is(bench.state.sets.size, 0);
});

test('names compare by their bytes, not by their UTF-16', (t) => {
  const names = ['\u{1F512}', '\uFFFD', 'z', 'é', 'zz', 'Z'];
  const members = names.map((name) => ({ resource: name, lockName: name, mode: 'EX' as const }));
  const bytes = names.map((name) => Buffer.from(name)).sort((one, other) => one.compare(other));
  t.deepEqual(inOrder(members).map(({ lockName }) => lockName), bytes.map(String));
});

test('a refused member takes the others back before the refusal is told', (t) => {
  const { bench, caller, ids } = halfTaken({ waitMs: 0 });
  bench.tell(2, 1, [entryOf(9, { resource: 'c' })]);
  const effects = bench.fail(ids[2] ?? 0, 'WOULD_BLOCK');
  t.deepEqual([...recordNames(effects)].sort(), ['dropped 3', 'releasing 1', 'releasing 2']);
  t.deepEqual(actionNames(effects), ['unlock 1', 'unlock 2']);
  t.is(bench.outcome(caller), 'open');
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.outcome(caller), 'open');
  bench.send({ kind: 'unlocked', id: 2 });
  t.is(bench.outcome(caller), 'HELD');
  t.regex(refusalOf(bench, caller), /^nothing was taken: EX on 'c' was refused: vm-18 holds it/);
  t.is(bench.listed.size, 0);
});

test('a refusal that nobody explains rolls back when its moment has passed', (t) => {
  const { bench, caller, ids } = halfTaken({ waitMs: 0 });
  t.deepEqual(actionNames(bench.fail(ids[2] ?? 0, 'WOULD_BLOCK')), []);
  t.deepEqual(actionNames(bench.wait(600)), ['unlock 1', 'unlock 2']);
  for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'HELD');
});

test('what the owner held before is not taken again, and stays when the rest is refused', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'a' });
  bench.hold({ resource: 'c' });
  const { caller } = askSet(bench, { waitMs: 0 });
  bench.tell(2, 1, [entryOf(9, { resource: 'b' })]);
  bench.fail(idOf(bench, 'b'), 'WOULD_BLOCK');
  t.is(bench.outcome(caller), 'HELD');
  t.deepEqual(['a', 'c'].map((name) => bench.phase(idOf(bench, name))), ['held', 'held']);
});

test('a set that is held already is confirmed at once, with nothing written', (t) => {
  const bench = startedBench();
  for (const name of ['a', 'b', 'c']) bench.hold({ resource: name });
  const { caller, effects } = askSet(bench, { waitMs: 0, mode: 'PR' });
  t.deepEqual([...recordNames(effects), ...actionNames(effects)], []);
  const answer = bench.answer(caller);
  t.true(answer.kind === 'acquired-set' && answer.members.every(({ acquired }) => !acquired));
});

test('a member that the owner holds in a weaker mode, or that is in motion, refuses the set', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'b', mode: 'PR' });
  const weaker = askSet(bench);
  t.is(bench.outcome(weaker.caller), 'BUSY');
  t.regex(refusalOf(bench, weaker.caller), /holds 'b' in PR/);
  bench.release(VM, 'b');
  const moving = askSet(bench);
  t.is(bench.outcome(moving.caller), 'BUSY');
  t.deepEqual(actionNames(moving.effects), []);
  t.is(bench.state.sets.size, 0);
});

test('one deadline counts for all members together', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench, { waitMs: 1_000 });
  bench.nowMs += 600;
  grant(bench, 'a');
  t.deepEqual(actionNames(bench.wait(399)), []);
  t.deepEqual(actionNames(bench.wait(1)), ['cancel 2']);
  t.deepEqual(actionNames(bench.fail(2, 'CANCELED')), []);
  bench.wait(600);
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.outcome(caller), 'TIMEOUT');
  t.is(bench.state.locks.size, 0);
});

test('a member whose turn comes too late is not asked for', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench, { waitMs: 1_000 });
  bench.nowMs += 1_000;
  const effects = grant(bench, 'a');
  t.deepEqual(actionNames(effects), ['unlock 1']);
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.outcome(caller), 'TIMEOUT');
});

test('a caller that goes away takes all of it back, and hears nothing', (t) => {
  const { bench, caller } = halfTaken();
  const effects = bench.send({ kind: 'caller-gone', caller });
  t.deepEqual([...actionNames(effects)].sort(), ['cancel 3', 'unlock 1', 'unlock 2']);
  // The grant wins the race against the cancel: given back as well.
  t.deepEqual(actionNames(bench.send({ kind: 'granted', id: 3 })), ['unlock 3']);
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'open');
  t.is(bench.state.sets.size, 0);
  t.is(bench.listed.size, 0);
});

test('the end of the owning process ends its sets', (t) => {
  const { bench, caller } = halfTaken({ owner: PROCESS });
  const effects = bench.send({ kind: 'owner-ended', owner: PROCESS });
  t.deepEqual([...actionNames(effects)].sort(), ['cancel 3', 'unlock 1', 'unlock 2']);
  bench.fail(3, 'CANCELED');
  for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.state.locks.size, 0);
});

test('the release of any member while the set is under way cancels the whole', (t) => {
  for (const name of ['a', 'b', 'c']) {
    const { bench, caller } = halfTaken();
    const release = bench.release(VM, name);
    t.deepEqual([...actionNames(release.effects)].sort(), ['cancel 3', 'unlock 1', 'unlock 2'], name);
    bench.fail(3, 'CANCELED');
    for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
    t.is(bench.outcome(caller), 'CANCELED');
    t.is(bench.outcome(release.caller), 'released');
    t.is(bench.state.locks.size, 0);
  }
});

test('the release of a member that was held before cancels the set, and is answered itself', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'a' });
  const { caller } = askSet(bench);
  const release = bench.release(VM, 'a');
  bench.send({ kind: 'unlocked', id: 1 });
  bench.fail(2, 'CANCELED');
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.outcome(release.caller), 'released');
});

test('nobody else is given a lock that a set may still take back', (t) => {
  const { bench } = halfTaken();
  for (const name of ['a', 'c']) t.is(bench.outcome(bench.acquire({ resource: name }).caller), 'BUSY');
  const other = askSet(bench, { names: ['b', 'x'] });
  t.is(bench.outcome(other.caller), 'BUSY');
});

test('a convert of a lock that a set is gathering is busy, and the set goes on', (t) => {
  const { bench, caller } = halfTaken();
  for (const mode of ['PR', 'EX'] as const) {
    t.is(bench.outcome(bench.convert(mode, { resource: 'a' }).caller), 'BUSY');
  }
  grant(bench, 'c');
  bench.send({ kind: 'set-listed', set: 1 });
  t.is(bench.outcome(caller), 'acquired-set');
});

test('a member that its owner lowers while the rest is taken fails the set', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'a' });
  const { caller } = askSet(bench, { names: ['a', 'b'] });
  const lowered = bench.convert('PR', { resource: 'a' });
  bench.send({ kind: 'converted', id: idOf(bench, 'a') });
  t.is(bench.outcome(lowered.caller), 'converted');
  grant(bench, 'b');
  bench.send({ kind: 'set-listed', set: 2 });
  bench.send({ kind: 'unlocked', id: 2 });
  t.is(bench.outcome(caller), 'BUSY');
  t.regex(refusalOf(bench, caller), /'a' is no longer held as it was/);
  t.deepEqual([idOf(bench, 'a'), idOf(bench, 'b')].map((id) => bench.phase(id)), ['held', 'none']);
  t.is(bench.mode(idOf(bench, 'a')), 'PR');
});

test('a resource that another request of the owner took meanwhile counts as held before', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench);
  const single = bench.hold({ resource: 'c' });
  grant(bench, 'a');
  t.deepEqual(recordNames(grant(bench, 'b')), ['held 1', 'held 3']);
  bench.send({ kind: 'set-listed', set: 1 });
  t.is(bench.outcome(caller), 'acquired-set');
  t.is(bench.state.locks.get(single)?.facts.set, undefined);
});
