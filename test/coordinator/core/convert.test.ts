import test from 'ava';

import { viewOwnLock } from '../../../src/coordinator/core/lock-view.js';
import { contestedBench, readerBench } from './convert-bench.js';
import {
  actionNames, actionsOf, entryOf, kindsOf, logsOf, PROCESS, recordNames, recordsOf, sentBodies,
  startedBench, OTHER, VM,
} from './harness.js';

test('both modes are written before the kernel is asked, and the owner is told after the grant', (t) => {
  const { bench, id } = readerBench();
  const { caller, effects } = bench.convert('EX', { waitMs: null });
  t.deepEqual(recordsOf(effects), [
    { kind: 'converting', at: bench.state.wallMs, id, from: 'PR', to: 'EX' },
  ]);
  t.deepEqual(actionsOf(effects), [{ kind: 'convert', id, mode: 'EX', wait: true }]);
  t.deepEqual(kindsOf(effects), ['persist', 'send', 'lock']);
  t.is(bench.outcome(caller), 'open');
  bench.nowMs += 500;
  const granted = bench.send({ kind: 'converted', id });
  t.like(recordsOf(granted)[0], { kind: 'held', id, mode: 'EX' });
  t.like(bench.answer(caller), {
    kind: 'converted', from: 'PR', pending: false, lock: { mode: 'EX', state: 'held' },
  });
  t.like(bench.listed.get(id), { state: 'held', lock: { mode: 'EX' }, since: bench.state.wallMs });
});

test('each mode can be converted to each other, neither step losing what both cover', (t) => {
  const modes = ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'] as const;
  for (const from of modes) {
    for (const to of modes) {
      const bench = startedBench();
      const id = bench.hold({ mode: from });
      const { caller } = bench.convert(to);
      const isSideways = [from, to].sort().join() === 'CW,PR';
      if (isSideways) {
        t.is(bench.mode(id), `${from} -> PW`);
        bench.send({ kind: 'converted', id });
        t.is(bench.mode(id), `PW -> ${to}`);
      }
      if (from !== to) bench.send({ kind: 'converted', id });
      t.like(bench.answer(caller), { kind: 'converted', from, lock: { mode: to } });
      t.is(bench.mode(id), to);
      t.is(bench.listed.get(id)?.lock.mode, to);
    }
  }
});

test('a convert of what is not held says so, and where it is held', (t) => {
  const bench = startedBench();
  t.like(bench.answer(bench.convert('PR').caller), { kind: 'refused', code: 'NOT_HELD' });
  bench.tell(2, 1, [entryOf(9, { owner: VM })]);
  const answer = bench.answer(bench.convert('PR').caller);
  t.like(answer, { code: 'NOT_HELD' });
  t.regex(answer.kind === 'refused' ? answer.message : '', /convert it there/);
});

test('a convert in any phase but held is refused as busy', (t) => {
  const bench = startedBench();
  bench.acquire({ resource: 'taking', waitMs: null });
  t.is(bench.outcome(bench.convert('PR', { resource: 'taking' }).caller), 'BUSY');
  bench.hold({ resource: 'releasing' });
  bench.release(VM, 'releasing');
  t.is(bench.outcome(bench.convert('PR', { resource: 'releasing' }).caller), 'BUSY');
  bench.hold();
  bench.lose();
  t.is(bench.outcome(bench.convert('PR').caller), 'BUSY');
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  t.is(bench.outcome(bench.convert('PR').caller), 'BUSY');
});

test('outcomes for a lock that is not being converted change nothing', (t) => {
  const { bench, id } = readerBench();
  for (const kind of ['converted', 'convert-failed'] as const) {
    const failure = { code: 'WOULD_BLOCK', message: '-' };
    const effects = bench.send(kind === 'converted' ? { kind, id } : { kind, id, failure });
    t.deepEqual(effects, []);
  }
  t.is(bench.mode(id), 'PR');
});

test('who is refused keeps the old mode since when it had it, and learns who is in the way', (t) => {
  const { bench, id } = contestedBench();
  const since = bench.listed.get(id)?.since;
  bench.nowMs += 1_000;
  const { caller } = bench.convert('EX');
  const effects = bench.convertFail(id, 'WOULD_BLOCK');
  t.deepEqual(recordNames(effects), [`held ${id}`]);
  const answer = bench.answer(caller);
  t.like(answer, { code: 'HELD', holders: [{ mode: 'PR', owner: OTHER }] });
  t.regex(answer.kind === 'refused' ? answer.message : '', /vm-18 holds it PR.*it stays PR$/);
  t.like(bench.listed.get(id), { state: 'held', lock: { mode: 'PR' }, since, to: null });
  t.is(bench.phase(id), 'held');
});

test('a refusal without a known holder never names the owner\'s own lock', (t) => {
  const { bench, id } = readerBench();
  const { caller } = bench.convert('EX');
  bench.convertFail(id, 'WOULD_BLOCK');
  t.is(bench.outcome(caller), 'open');
  bench.wait(500);
  t.like(bench.answer(caller), { code: 'HELD', holders: [] });
});

test('a time-out cancels, and the answer waits for what the kernel decides', (t) => {
  const { bench, id } = contestedBench();
  const { caller } = bench.convert('EX', { waitMs: 1_000 });
  t.deepEqual(actionNames(bench.wait(1_000)), [`cancel ${id}`]);
  t.is(bench.outcome(caller), 'open');
  bench.convertFail(id, 'CANCELED');
  t.like(bench.answer(caller), { code: 'TIMEOUT', holders: [{ owner: OTHER }] });
  t.is(bench.mode(id), 'PR');
});

test('a grant that wins against the cancel is kept for who still waits', (t) => {
  const { bench, id } = contestedBench();
  const { caller } = bench.convert('EX', { waitMs: 1_000 });
  bench.wait(1_000);
  bench.send({ kind: 'converted', id });
  t.like(bench.answer(caller), { kind: 'converted', lock: { mode: 'EX' } });
});

test('a grant after its callers were told that the old mode is kept is taken back', (t) => {
  const { bench, id } = contestedBench();
  const { caller } = bench.convert('EX', { waitMs: 1_000 });
  bench.wait(1_000);
  bench.wait(2_000);
  t.like(bench.answer(caller), { code: 'TIMEOUT' });
  const effects = bench.send({ kind: 'converted', id });
  t.deepEqual(recordNames(effects), [`converting ${id}`], 'the list never says held of it');
  t.deepEqual(actionsOf(effects), [{ kind: 'convert', id, mode: 'PR', wait: false }]);
  const lock = bench.state.locks.get(id);
  t.like(lock && viewOwnLock(bench.state, lock), { mode: 'PR', converting: null, generation: null });
  bench.send({ kind: 'converted', id });
  t.is(bench.mode(id), 'PR');
});

test('the last caller\'s going cancels a step up, and a step down goes on', (t) => {
  const { bench, id } = readerBench();
  const up = bench.convert('EX', { waitMs: null });
  t.deepEqual(actionNames(bench.send({ kind: 'caller-gone', caller: up.caller })), [`cancel ${id}`]);
  t.is(bench.outcome(bench.convert('EX').caller), 'BUSY');
  bench.convertFail(id, 'CANCELED');
  t.is(bench.phase(id), 'held');
  const down = bench.convert('NL');
  t.deepEqual(actionNames(bench.send({ kind: 'caller-gone', caller: down.caller })), []);
  bench.send({ kind: 'converted', id });
  t.is(bench.mode(id), 'NL');
});

test('callers of the same convert share it, others are told that it is under way', (t) => {
  const { bench, id } = contestedBench();
  const one = bench.convert('EX', { waitMs: null });
  const two = bench.convert('EX', { waitMs: 1_000 });
  t.is(bench.outcome(bench.convert('PW', { waitMs: null }).caller), 'BUSY');
  t.like(bench.answer(bench.convert('EX').caller), { code: 'HELD' });
  bench.wait(1_000);
  t.is(bench.outcome(two.caller), 'TIMEOUT');
  bench.send({ kind: 'converted', id });
  t.is(bench.outcome(one.caller), 'converted');
});

test('a caller who would wait is not refused by a convert that does not', (t) => {
  const { bench, id } = contestedBench();
  const hasty = bench.convert('EX');
  const patient = bench.convert('EX', { waitMs: null });
  const effects = bench.convertFail(id, 'WOULD_BLOCK');
  t.deepEqual(actionsOf(effects), [{ kind: 'convert', id, mode: 'EX', wait: true }]);
  t.is(bench.outcome(hasty.caller), 'HELD');
  bench.send({ kind: 'converted', id });
  t.is(bench.outcome(patient.caller), 'converted');
});

test('an acquire while its lock is converted counts on what it has and will have', (t) => {
  const { bench, id } = readerBench();
  bench.convert('EX', { waitMs: null });
  t.like(bench.answer(bench.acquire({ mode: 'CR' }).caller), { acquired: false, lock: { mode: 'PR' } });
  const joins = bench.acquire({ mode: 'PW', waitMs: null });
  bench.send({ kind: 'converted', id });
  t.like(bench.answer(joins.caller), { kind: 'converted', lock: { mode: 'EX' } });
  bench.convert('CR');
  t.is(bench.outcome(bench.acquire({ mode: 'EX' }).caller), 'BUSY');
  t.like(bench.answer(bench.acquire({ mode: 'CR' }).caller), { acquired: false });
});

test('a deadlock that the kernel sees keeps the old mode and says what to do', (t) => {
  const { bench, id } = contestedBench();
  const { caller } = bench.convert('EX', { waitMs: null });
  bench.convertFail(id, 'DEADLOCK');
  const answer = bench.answer(caller);
  t.like(answer, { code: 'DEADLOCK', retryable: false, holders: [{ owner: OTHER }] });
  t.regex(answer.kind === 'refused' ? answer.message : '', /it stays PR; release it or convert/);
  t.is(bench.mode(id), 'PR');
});

test('a failure of the lock manager keeps the old mode', (t) => {
  const { bench, id } = readerBench();
  const { caller } = bench.convert('EX');
  bench.convertFail(id, 'KERNEL');
  t.like(bench.answer(caller), { code: 'LOCK_MANAGER' });
  t.is(bench.mode(id), 'PR');
  const down = bench.convert('NL');
  t.regex(logsOf(bench.convertFail(id, 'KERNEL'), 'error').join(), /not lowered from PR to NL/);
  t.like(bench.answer(down.caller), { code: 'LOCK_MANAGER' });
});

test('a release ends a convert that waits, and the kernel is told to end both', (t) => {
  const { bench, id } = contestedBench();
  const { caller } = bench.convert('EX', { waitMs: null });
  const { caller: releaser, effects } = bench.release();
  t.like(recordsOf(effects)[0], { kind: 'releasing', mode: 'PR', to: 'EX' });
  t.deepEqual(actionsOf(effects), [{ kind: 'unlock', id, force: true }]);
  t.is(bench.outcome(caller), 'CANCELED');
  bench.convertFail(id, 'CANCELED');
  bench.send({ kind: 'unlocked', id });
  t.like(bench.answer(releaser), { released: true, pending: false });
  t.is(bench.listed.size, 0);
});

test('the end of its owner ends a convert with the lock', (t) => {
  const bench = startedBench();
  const id = bench.hold({ mode: 'PR', owner: PROCESS });
  const { caller } = bench.convert('EX', { owner: PROCESS, waitMs: null });
  const effects = bench.send({ kind: 'owner-ended', owner: PROCESS });
  t.deepEqual(actionsOf(effects), [{ kind: 'unlock', id, force: true }]);
  t.is(bench.outcome(caller), 'CANCELED');
});

test('others see the mode that is held, and the one that is waited for', (t) => {
  const { bench, id } = readerBench();
  const { effects } = bench.convert('EX', { waitMs: null });
  const [delta] = sentBodies(effects);
  t.like(delta, { kind: 'delta', changed: [{ id, mode: 'PR', converting: 'EX', state: 'held' }] });
  const [after] = sentBodies(bench.send({ kind: 'converted', id }));
  t.like(after, { kind: 'delta', changed: [{ id, mode: 'EX', converting: null }] });
});
