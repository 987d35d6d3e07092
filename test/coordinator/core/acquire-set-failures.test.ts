import test from 'ava';

import { viewLocks } from '../../../src/coordinator/core/lock-view.js';
import { nextDeadlineMs } from '../../../src/coordinator/core/deadline.js';
import { CANCEL_GRACE_MS, OWN_LOCKS_MAX, SETS_MAX } from '../../../src/coordinator/core/limits.js';
import {
  actionNames, recordNames, recordsOf, sentBodies, startedBench, OTHER, VM,
} from './harness.js';
import { askSet, grant, halfTaken, refusalOf } from './set-bench.js';

test('in a stopped lockspace a set parks, at its beginning and in the middle', (t) => {
  const bench = startedBench();
  bench.stopped();
  const { caller } = askSet(bench, { names: ['a', 'b'], mode: 'PR' });
  t.is(bench.phase(1), 'parked');
  t.deepEqual(actionNames(bench.running()), ['take 1']);
  bench.stopped();
  t.deepEqual(actionNames(grant(bench, 'a')), []);
  t.is(bench.phase(2), 'parked');
  t.deepEqual(actionNames(bench.running()), ['take 2']);
  grant(bench, 'b');
  bench.send({ kind: 'set-listed', set: 1 });
  t.is(bench.outcome(caller), 'acquired-set');
});

test('one that does not wait is refused when the lockspace stops in the middle', (t) => {
  const { bench, caller } = halfTaken({ waitMs: 0 });
  bench.stopped();
  t.is(bench.outcome(caller), 'RECOVERING');
  t.regex(refusalOf(bench, caller), /released as soon as the lockspace allows$/);
  bench.running();
  bench.send({ kind: 'granted', id: 3 });
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.listed.size, 0);
});

test('an exclusive member counts as granted only when it has its generation', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench, { names: ['a', 'b'] });
  bench.stopped();
  t.deepEqual(actionNames(grant(bench, 'a')), []);
  t.is(bench.phase(1), 'claiming');
  bench.running();
  t.is(bench.phase(1), 'gathered');
  grant(bench, 'b');
  t.true(recordsOf(bench.send({ kind: 'set-listed', set: 1 })).length === 0);
  const answer = bench.answer(caller);
  const generations = answer.kind === 'acquired-set'
    ? answer.members.map(({ lock }) => lock.generation) : [];
  t.true(generations.length === 2 && generations.every((number) => number !== null));
  t.deepEqual([1, 2].map((id) => bench.listed.get(id)?.generation), generations);
});

test('the loss of quorum in the middle refuses the next member and rolls back', (t) => {
  const bench = startedBench();
  const { caller } = askSet(bench, { mode: 'PR' });
  bench.quorum(false);
  grant(bench, 'a');
  t.is(bench.outcome(caller), 'NO_QUORUM');
  t.is(bench.phase(1), 'releasing');
});

test('a node that is isolated by the end confirms nothing', (t) => {
  const { bench, caller } = halfTaken();
  grant(bench, 'c');
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  bench.send({ kind: 'set-listed', set: 1 });
  t.is(bench.outcome(caller), 'ISOLATED');
  t.deepEqual([1, 2, 3].map((id) => bench.phase(id)), ['releasing', 'releasing', 'releasing']);
  t.is(bench.outcome(askSet(bench, { names: ['x', 'y'] }).caller), 'ISOLATED');
});

test('the death of the child in the middle gives everything back when it is adopted', (t) => {
  const { bench, caller } = halfTaken();
  const effects = bench.lose();
  t.deepEqual([...recordNames(effects)].sort(), ['releasing 1', 'releasing 2', 'releasing 3']);
  t.is(bench.outcome(caller), 'LOCK_MANAGER');
  bench.open([
    { lockName: 'a', mode: 'EX' }, { lockName: 'b', mode: 'EX' }, { lockName: 'c', mode: 'NL' },
  ]);
  for (const id of [1, 2, 3]) bench.send({ kind: 'adopted', id });
  bench.running();
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.listed.size, 0);
});

test('a set that only waits for the lockspace outlives the death of the child', (t) => {
  const bench = startedBench();
  bench.stopped();
  const { caller } = askSet(bench);
  bench.lose();
  t.is(bench.outcome(caller), 'open');
  bench.open([]);
  t.deepEqual(actionNames(bench.running()), ['take 1']);
});

test('when the intent of a member cannot be written, the others are given back', (t) => {
  const { bench, caller } = halfTaken();
  // As it is after a failed write: the intent is not in the list.
  bench.listed.delete(3);
  const effects = bench.send({ kind: 'intent-failed', ids: [3], message: 'disk full' });
  t.deepEqual(actionNames(effects), ['unlock 1', 'unlock 2']);
  for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'LIST_FAILED');
});

test('when the set cannot be listed as held, nobody is told that it is, and it is given back', (t) => {
  const { bench, caller } = halfTaken();
  grant(bench, 'c');
  const effects = bench.send({ kind: 'set-unlisted', set: 1, message: 'disk full' });
  t.deepEqual(actionNames(effects), ['unlock 1', 'unlock 2', 'unlock 3']);
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'LIST_FAILED');
});

test('a set that a release cancels while it is being listed is not told as held', (t) => {
  const { bench, caller } = halfTaken();
  grant(bench, 'c');
  bench.release(VM, 'b');
  bench.send({ kind: 'set-listed', set: 1 });
  for (const id of [1, 2, 3]) bench.send({ kind: 'unlocked', id });
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.listed.size, 0);
});

test('a stop gives back what is not complete, kept locks or not', (t) => {
  for (const locks of ['refuse', 'release', 'keep'] as const) {
    const { bench, caller } = halfTaken();
    const stopper = bench.caller();
    bench.send({ kind: 'stop', caller: stopper, locks });
    t.is(bench.outcome(stopper), 'open');
    bench.fail(3, 'CANCELED');
    for (const id of [1, 2]) bench.send({ kind: 'unlocked', id });
    t.is(bench.outcome(caller), 'STOPPING');
    t.like(bench.answer(stopper), { kind: 'stopped', kept: 0 });
  }
});

test('a roll-back that the kernel does not finish is not waited for longer than the grace', (t) => {
  const { bench, caller } = halfTaken();
  bench.release(VM, 'c');
  t.is(bench.outcome(caller), 'open');
  t.true(nextDeadlineMs(bench.state) <= bench.nowMs + CANCEL_GRACE_MS);
  bench.wait(CANCEL_GRACE_MS);
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.state.sets.size, 0);
});

test('a granted member is in the way of others, and its owner has no word of it yet', (t) => {
  const { bench } = halfTaken();
  const view = viewLocks(bench.state).find(({ resource }) => resource === 'a');
  t.like(view, { state: 'taking' });
  t.regex(view?.note ?? '', /when the rest of its set is granted/);
  t.is(bench.state.announced.get(1)?.state, 'held');
  const other = bench.acquire({ resource: 'a', owner: OTHER });
  bench.fail(other.id, 'WOULD_BLOCK');
  const answer = bench.answer(other.caller);
  t.like(answer, { code: 'HELD' });
  t.regex(answer.kind === 'refused' ? answer.message : '', /vm-17 holds it EX on alpha/);
});

test('those who watch hear that each member is held when the set is complete', (t) => {
  const { bench } = halfTaken();
  grant(bench, 'c');
  const effects = bench.send({ kind: 'set-listed', set: 1 });
  const held = effects.flatMap((effect) => effect.kind === 'publish'
    && effect.event.type === 'lock' && effect.event.lock.state === 'held'
    ? [effect.event.lock.resource] : []);
  t.deepEqual(held.sort(), ['a', 'b', 'c']);
  t.true(sentBodies(effects).some(({ kind }) => kind === 'delta'));
});

test('sets and their members count against the bounds of this node', (t) => {
  const bench = startedBench();
  const filler = bench.state.locks.get(bench.hold({ resource: 'filler' }));
  if (filler === undefined) throw new Error('nothing to fill the node with');
  for (let at = 2; at < OWN_LOCKS_MAX - 1; at += 1) bench.state.locks.set(-at, filler);
  t.is(bench.outcome(askSet(bench).caller), 'LIMIT');
  for (let at = 2; at < OWN_LOCKS_MAX - 1; at += 1) bench.state.locks.delete(-at);
  for (let at = 0; at < SETS_MAX; at += 1) askSet(bench, { names: [`a${at}`, `b${at}`] });
  t.is(bench.state.sets.size, SETS_MAX);
  t.is(bench.outcome(askSet(bench, { names: ['x', 'y'] }).caller), 'LIMIT');
});
