import test from 'ava';

import { checked, readerBench } from './convert-bench.js';
import { actionNames, actionsOf, recordNames, recordsOf, startedBench } from './harness.js';

test('without its record a convert is not made, and its caller is refused', (t) => {
  const { bench, id } = readerBench();
  const { caller } = bench.convert('EX');
  bench.send({ kind: 'convert-unlisted', ids: [id], message: 'disk full' });
  t.is(bench.outcome(caller), 'LIST_FAILED');
  t.is(bench.phase(id), 'held');
  t.is(bench.mode(id), 'PR');
});

test('what gives protection up is pending while its record cannot be written, and is tried again', (t) => {
  const bench = startedBench();
  const id = bench.hold({ mode: 'EX' });
  const { caller } = bench.convert('PR');
  bench.send({ kind: 'convert-unlisted', ids: [id], message: 'disk full' });
  t.like(bench.answer(caller), { kind: 'converted', pending: true });
  t.is(bench.phase(id), 'converting');
  const effects = bench.running();
  t.like(recordsOf(effects)[0], { kind: 'converting', from: 'EX', to: 'PR' });
  t.deepEqual(actionsOf(effects), [{ kind: 'convert', id, mode: 'PR', wait: false }]);
});

test('a convert down is tried again also when its record failed and the lockspace was lost', (t) => {
  const bench = startedBench();
  const id = bench.hold({ mode: 'EX' });
  bench.convert('PR');
  bench.lose();
  bench.send({ kind: 'convert-unlisted', ids: [id], message: 'disk full' });
  t.like(bench.state.locks.get(id)?.phase, { kind: 'orphaned', was: 'converting', to: 'PR' });
});

test('the list gates what asks for protection, and not what gives it up', (t) => {
  const { bench, id } = readerBench();
  bench.send({ kind: 'list-condition', condition: { kind: 'failed', text: 'the disk is full' } });
  t.is(bench.outcome(bench.convert('EX').caller), 'LIST_FAILED');
  t.is(bench.phase(id), 'held');
  t.deepEqual(actionNames(bench.convert('NL').effects), [`convert ${id}`]);
});

test('a record that failed after the lockspace was lost leaves a lock that was held', (t) => {
  const { bench, id } = readerBench();
  const { caller } = bench.convert('EX');
  bench.lose();
  bench.send({ kind: 'convert-unlisted', ids: [id], message: 'disk full' });
  t.is(bench.outcome(caller), 'LIST_FAILED');
  t.like(bench.state.locks.get(id)?.phase, { kind: 'orphaned', was: 'held', to: null });
});

test('each standing but ok refuses a convert that does not wait; recovering parks one that does', (t) => {
  const { bench, id } = readerBench();
  bench.quorum(false);
  t.is(bench.outcome(bench.convert('EX', { waitMs: null }).caller), 'NO_QUORUM');
  bench.quorum(true);
  t.is(bench.outcome(bench.convert('EX', { waitMs: null }).caller), 'RECOVERING',
    'what is being checked against the kernel is not converted');
  checked(bench, 'PR');
  bench.stopped();
  t.is(bench.outcome(bench.convert('EX').caller), 'RECOVERING');
  const { caller, effects } = bench.convert('EX', { waitMs: null });
  t.deepEqual(actionNames(effects), []);
  t.deepEqual(recordNames(effects), []);
  t.deepEqual(actionNames(bench.running()), [`convert ${id}`]);
  bench.send({ kind: 'converted', id });
  t.is(bench.outcome(caller), 'converted');
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  t.is(bench.outcome(bench.convert('PR', { waitMs: null }).caller), 'ISOLATED');
});

test('a parked convert that times out keeps the old mode without asking the kernel', (t) => {
  const { bench, id } = readerBench();
  bench.stopped();
  const { caller } = bench.convert('EX', { waitMs: 1_000 });
  t.deepEqual(actionNames(bench.wait(1_000)), []);
  t.is(bench.outcome(caller), 'TIMEOUT');
  t.is(bench.phase(id), 'held');
});

test('a lockspace that stops answers who does not wait; a grant after that is taken back', (t) => {
  const { bench, id } = readerBench();
  const { caller } = bench.convert('EX');
  bench.stopped();
  t.is(bench.outcome(caller), 'RECOVERING');
  t.deepEqual(actionNames(bench.send({ kind: 'converted', id })), []);
  t.is(bench.mode(id), 'EX -> PR');
  t.deepEqual(actionNames(bench.running()), [`convert ${id}`]);
  bench.send({ kind: 'converted', id });
  t.is(bench.mode(id), 'PR');
});

test('a step down is pending when the lockspace stops, and its owner counts on less', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const { caller } = bench.convert('PR');
  bench.stopped();
  t.like(bench.answer(caller), { kind: 'converted', from: 'EX', pending: true });
  bench.send({ kind: 'converted', id });
  t.is(bench.mode(id), 'PR');
});

test('a step down that waits for the lockspace is listed, pending at its time-out, and finished', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  bench.stopped();
  const { caller, effects } = bench.convert('PR', { waitMs: 1_000 });
  t.deepEqual(recordNames(effects), [`converting ${id}`]);
  bench.wait(1_000);
  t.like(bench.answer(caller), { kind: 'converted', pending: true });
  t.deepEqual(actionNames(bench.running()), [`convert ${id}`]);
});

test('an upgrade granted on an isolated node is refused and taken back later', (t) => {
  const { bench, id } = readerBench();
  const { caller } = bench.convert('EX', { waitMs: null });
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  const effects = bench.send({ kind: 'converted', id });
  t.is(bench.outcome(caller), 'ISOLATED');
  t.deepEqual(actionNames(effects), []);
  t.is(bench.mode(id), 'EX -> PR');
});

test('a stop that keeps locks cancels an upgrade and waits for what becomes of it', (t) => {
  const { bench, id } = readerBench();
  const { caller } = bench.convert('EX', { waitMs: null });
  const stop = bench.caller();
  t.deepEqual(
    actionNames(bench.send({ kind: 'stop', caller: stop, locks: 'keep' })), [`cancel ${id}`],
  );
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.outcome(stop), 'open');
  bench.convertFail(id, 'CANCELED');
  t.like(bench.answer(stop), { kind: 'stopped', kept: 1 });
});

test('a stop that releases locks ends a convert with its lock', (t) => {
  const { bench, id } = readerBench();
  const { caller } = bench.convert('EX', { waitMs: null });
  const stop = bench.caller();
  const effects = bench.send({ kind: 'stop', caller: stop, locks: 'release' });
  t.deepEqual(actionsOf(effects), [{ kind: 'unlock', id, force: true }]);
  t.is(bench.outcome(caller), 'CANCELED');
  bench.send({ kind: 'unlocked', id });
  t.like(bench.answer(stop), { kind: 'stopped', kept: 0 });
});
