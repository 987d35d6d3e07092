import test from 'ava';

import { viewOwnLock } from '../../../src/coordinator/core/lock-view.js';
import { manifestEntry } from '../../../src/coordinator/core/own-locks.js';
import { RECHECK_PAUSE_MS, RECHECK_READS } from '../../../src/coordinator/core/limits.js';
import { checked, readerBench } from './convert-bench.js';
import { actionNames, actionsOf, logsOf, startedBench } from './harness.js';

test('an exclusive mode without a number is never held, even when its way back down fails', (t) => {
  for (const how of ['unlisted', 'failed'] as const) {
    const { bench, id } = readerBench();
    bench.convert('PW', { waitMs: 0 });
    bench.convertFail(id, 'WOULD_BLOCK');
    const { caller } = bench.convert('EX', { waitMs: null });
    bench.send({ kind: 'caller-gone', caller });
    bench.send({ kind: 'converted', id });
    t.is(bench.mode(id), 'EX -> PR');
    if (how === 'failed') bench.convertFail(id, 'KERNEL');
    else bench.send({ kind: 'convert-unlisted', ids: [id], message: 'disk full' });
    t.is(bench.mode(id), 'EX -> PR');
    t.is(bench.outcome(bench.acquire().caller), 'BUSY');
    t.deepEqual(actionNames(bench.running()), [`convert ${id}`]);
  }
});

test('nobody is told of an exclusive mode before it has its generation', (t) => {
  const { bench, id } = readerBench();
  bench.group = 'as told';
  const { caller } = bench.convert('EX', { waitMs: null });
  bench.send({ kind: 'converted', id });
  t.is(bench.phase(id), 'claiming');
  t.is(bench.outcome(caller), 'open');
  t.like(bench.listed.get(id), { state: 'converting', lock: { mode: 'PR' }, to: 'EX' });
  const lock = bench.state.locks.get(id);
  const shown = { state: 'held', mode: 'PR', converting: 'EX', generation: null } as const;
  t.like(lock && viewOwnLock(bench.state, lock), shown);
  t.like(lock && manifestEntry(bench.state, lock), shown);
  t.is(bench.outcome(bench.convert('PR').caller), 'BUSY');
});

test('an upgrade that nobody waits for while it claims its generation is taken back', (t) => {
  const { bench, id } = readerBench();
  bench.group = 'as told';
  const { caller } = bench.convert('EX', { waitMs: null });
  bench.send({ kind: 'converted', id });
  const effects = bench.send({ kind: 'caller-gone', caller });
  t.deepEqual(actionsOf(effects), [{ kind: 'convert', id, mode: 'PR', wait: false }]);
  bench.send({ kind: 'converted', id });
  t.like(bench.listed.get(id), { state: 'held', lock: { mode: 'PR' }, generation: null });
});

test('a release while an upgrade claims its generation releases the lock', (t) => {
  const { bench, id } = readerBench();
  bench.group = 'as told';
  const { caller } = bench.convert('EX', { waitMs: null });
  bench.send({ kind: 'converted', id });
  const { caller: releaser, effects } = bench.release();
  t.is(bench.outcome(caller), 'CANCELED');
  t.deepEqual(actionsOf(effects), [{ kind: 'unlock', id, force: false }]);
  bench.send({ kind: 'unlocked', id });
  t.like(bench.answer(releaser), { released: true });
});

test('a process lost while an upgrade claims its generation leaves it to be found in the new mode', (t) => {
  const { bench, id } = readerBench();
  bench.group = 'as told';
  bench.convert('EX', { waitMs: null });
  bench.send({ kind: 'converted', id });
  bench.lose();
  t.like(bench.state.locks.get(id)?.phase, { kind: 'orphaned', was: 'converting', to: 'EX' });
  t.is(bench.mode(id), 'PR');
});

test('a lock keeps its generation while it stays exclusive, and has none when it is shared', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  const number = bench.listed.get(id)?.generation;
  t.truthy(number);
  bench.convert('PW');
  bench.send({ kind: 'converted', id });
  t.is(bench.listed.get(id)?.generation, number);
  bench.convert('PR');
  bench.send({ kind: 'converted', id });
  t.is(bench.listed.get(id)?.generation, null);
  bench.convert('EX');
  bench.send({ kind: 'converted', id });
  t.true((bench.listed.get(id)?.generation ?? 0) > (number ?? 0));
});

test('a lock that waits to be raised is lost with its old mode when the kernel lacks it', (t) => {
  const { bench, id } = readerBench();
  const { caller } = bench.convert('EX', { waitMs: null });
  bench.quorum(false);
  bench.quorum(true);
  for (let read = 1; read < RECHECK_READS; read += 1) {
    checked(bench, null);
    bench.wait(RECHECK_PAUSE_MS);
  }
  const effects = checked(bench, null);
  t.regex(logsOf(effects, 'error').join(), /'disk' \(PR, .*\) is LOST/);
  t.is(bench.outcome(caller), 'CANCELED');
  t.is(bench.phase(id), 'releasing');
});
