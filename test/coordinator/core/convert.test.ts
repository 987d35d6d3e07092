import test from 'ava';

import { viewOwnLock } from '../../../src/coordinator/core/lock-view.js';
import { manifestEntry } from '../../../src/coordinator/core/own-locks.js';
import type { LockMode } from '../../../src/coordinator/core/mode.js';
import { RECHECK_PAUSE_MS, RECHECK_READS } from '../../../src/coordinator/core/limits.js';
import {
  actionNames, actionsOf, entryOf, kindsOf, logsOf, PROCESS, recordNames, recordsOf, sentBodies,
  startedBench, OTHER, VM, type Bench,
} from './harness.js';

/** A core whose owner holds `disk` in PR. */
function readerBench(): { readonly bench: Bench; readonly id: number } {
  const bench = startedBench();
  return { bench, id: bench.hold({ mode: 'PR' }) };
}

/** The same, while another owner's manifest says who is in the way. */
function contestedBench(): { readonly bench: Bench; readonly id: number } {
  const { bench, id } = readerBench();
  bench.view([1, 2, 3]);
  bench.tell(2, 1, [entryOf(9, { mode: 'PR' })]);
  return { bench, id };
}

/** The kernel's word after a gap: it has `disk` in this mode, or nothing. */
function checked(bench: Bench, mode: LockMode | null) {
  const round = bench.state.recheckRound;
  const locks = mode === null ? [] : [{ lockName: 'disk', mode }];
  return bench.send({ kind: 'locks-read', round, locks, reason: '' });
}

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
