import test from 'ava';

import type { Effect } from '../../../src/coordinator/core/effect.js';
import type { KernelHold } from '../../../src/coordinator/core/event.js';
import {
  RECHECK_HOLD_MS, RECHECK_PAUSE_MS, RECHECK_READ_MS_MAX, RECHECK_READS,
} from '../../../src/coordinator/core/limits.js';
import { viewOwnLock } from '../../../src/coordinator/core/lock-view.js';
import { viewStatus } from '../../../src/coordinator/core/node-view.js';
import {
  actionNames, isSnapshotSent, logsOf, ME, OTHER, recordNames, startedBench, VM, type Bench,
} from './harness.js';

const EX = (lockName: string): KernelHold => ({ lockName, mode: 'EX' });
const PR = (lockName: string): KernelHold => ({ lockName, mode: 'PR' });

function roundOf(effects: readonly Effect[]): number | null {
  for (const effect of effects) if (effect.kind === 'read-locks') return effect.round;
  return null;
}

/** The others leave and come back, as a cut or a pause looks from inside. */
function passGap(bench: Bench): number | null {
  bench.view([1], { left: [[2, 'nodedown'], [3, 'nodedown']] });
  bench.ring(8n);
  const effects = bench.view([1, 2, 3], { joined: [[2, 'nodeup'], [3, 'nodeup']] });
  bench.ring(12n);
  return roundOf(effects);
}

function answer(bench: Bench, locks: readonly KernelHold[] | null, round?: number) {
  const asked = round ?? bench.state.recheckRound;
  return bench.send({ kind: 'locks-read', round: asked, locks, reason: 'no debugfs' });
}

/** Answers every reading with these locks, to the last one. */
function answerAll(bench: Bench, locks: readonly KernelHold[]): readonly Effect[] {
  for (let read = 1; read < RECHECK_READS; read += 1) {
    answer(bench, locks);
    bench.wait(RECHECK_PAUSE_MS);
  }
  return answer(bench, locks);
}

function lostOf(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => {
    return effect.kind === 'publish' && effect.event.type === 'lock' &&
      effect.event.lock.state === 'lost' ? [effect.event.lock.resource] : [];
  });
}

test('after a gap the kernel is asked before the manifest is told to whoever wants it', (t) => {
  const bench = startedBench();
  bench.hold();
  t.is(passGap(bench), 1);
  t.false(isSnapshotSent(bench.hear(2, { kind: 'request', nodeId: 1 })));
  const effects = answer(bench, [EX('disk')]);
  t.true(isSnapshotSent(effects));
  t.deepEqual(lostOf(effects), []);
  t.is(bench.state.recheck, null);
});

test('what the kernel has lost is told to be lost, listed, and unlocked to be sure', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  bench.hold({ resource: 'kept' });
  passGap(bench);
  const effects = answerAll(bench, [EX('kept')]);
  t.deepEqual(lostOf(effects), ['disk']);
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
  t.deepEqual(actionNames(effects), [`unlock ${id}`]);
  t.regex(logsOf(effects, 'error')[0] ?? '', /'disk' \(EX, vm-17\) is LOST: the kernel no longer/);
  t.is(bench.state.counters.get('locks_lost'), 1);
  bench.send({ kind: 'unlocked', id });
  t.is(bench.phase(id), 'none');
});

test('a lock that one reading misses and a later one shows is kept', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  passGap(bench);
  for (let read = 1; read < RECHECK_READS; read += 1) {
    answer(bench, []);
    bench.wait(RECHECK_PAUSE_MS);
  }
  t.deepEqual(lostOf(answer(bench, [EX('disk')])), []);
  t.is(bench.phase(id), 'held');
});

test('a lock that is granted while the check runs is no part of it', (t) => {
  const bench = startedBench();
  bench.hold({ resource: 'before' });
  passGap(bench);
  answer(bench, [EX('before')]);
  passGap(bench);
  bench.running();
  const id = bench.hold({ resource: 'during' });
  t.deepEqual(lostOf(answerAll(bench, [EX('before')])), []);
  t.is(bench.phase(id), 'held');
});

test('a lock that is released or taken anew while the check runs is not called lost', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  passGap(bench);
  answer(bench, []);
  bench.release();
  bench.send({ kind: 'unlocked', id });
  bench.running();
  const again = bench.hold();
  bench.wait(RECHECK_PAUSE_MS);
  t.deepEqual(lostOf(answer(bench, [])), []);
  t.is(bench.phase(again), 'held');
  t.is(bench.state.recheck, null);
});

test('holders that share a mode are in question together, and in doubt when some are missing', (t) => {
  const shared = (): Bench => {
    const bench = startedBench();
    bench.hold({ mode: 'PR', owner: VM });
    bench.hold({ mode: 'PR', owner: OTHER });
    passGap(bench);
    return bench;
  };
  t.deepEqual(lostOf(answerAll(shared(), [])), ['disk', 'disk']);
  const bench = shared();
  const effects = answerAll(bench, [PR('disk')]);
  t.deepEqual(lostOf(effects), []);
  t.is(logsOf(effects, 'error').length, 2);
  t.is(bench.state.counters.get('locks_in_doubt'), 2);
  t.deepEqual(lostOf(answer(shared(), [PR('disk'), PR('disk')])), []);
});

test('the same name in another mode is another lock', (t) => {
  const bench = startedBench();
  bench.hold();
  passGap(bench);
  t.deepEqual(lostOf(answerAll(bench, [PR('disk'), { lockName: 'disk', mode: 'NL' }])), ['disk']);
});

test('tables that cannot be read are said so, nothing is lost, and the manifest is told', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  passGap(bench);
  bench.hear(2, { kind: 'request', nodeId: 1 });
  t.true(isSnapshotSent(answer(bench, null)));
  t.is(bench.phase(id), 'held');
  const [warning] = viewStatus(bench.state).warnings;
  t.regex(warning ?? '', /1 locks of this node could not be checked .* \(no debugfs\)/);
  passGap(bench);
  answer(bench, [EX('disk')]);
  t.deepEqual(viewStatus(bench.state).warnings, []);
});

test('a table that does not answer holds the manifest back only so long, and is given up', (t) => {
  const bench = startedBench();
  bench.hold();
  passGap(bench);
  t.false(isSnapshotSent(bench.hear(2, { kind: 'request', nodeId: 1 })));
  bench.wait(RECHECK_HOLD_MS);
  t.true(isSnapshotSent(bench.hear(2, { kind: 'request', nodeId: 1 })));
  const late = bench.state.recheckRound;
  bench.wait(RECHECK_READ_MS_MAX - RECHECK_HOLD_MS);
  t.is(bench.state.recheck, null);
  t.regex(viewStatus(bench.state).warnings.join(), /was not read within 5000 ms/);
  t.deepEqual(lostOf(answer(bench, [], late)), []);
});

test('an answer that was asked for before the last gap counts for nothing', (t) => {
  const bench = startedBench();
  bench.hold();
  const first = passGap(bench) ?? 0;
  t.is(passGap(bench), first + 1);
  answer(bench, [], first);
  t.is(bench.state.recheck?.misses, 0);
});

test('while it is in question a lock is confirmed to nobody, and shown as such', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  passGap(bench);
  bench.running();
  t.is(bench.outcome(bench.acquire().caller), 'RECOVERING');
  const lock = bench.state.locks.get(id);
  t.regex((lock && viewOwnLock(bench.state, lock).note) ?? '', /is being checked against the kernel/);
  answer(bench, [EX('disk')]);
  t.is(bench.outcome(bench.acquire().caller), 'acquired');
});

test('a lockspace that stopped in the gap is asked once more when it has recovered', (t) => {
  const bench = startedBench();
  bench.hold();
  bench.stopped();
  passGap(bench);
  answer(bench, [EX('disk')]);
  t.not(roundOf(bench.running()), null);
  answer(bench, [EX('disk')]);
  bench.stopped();
  t.is(roundOf(bench.running()), null, 'a recovery without a gap takes nothing from this node');
});

for (const [what, pass] of [
  ['its connection to corosync', (bench: Bench) => {
    bench.send({ kind: 'group-lost', reason: 'corosync died' });
    bench.send({ kind: 'group-joining', self: ME });
    return bench.view([1, 2, 3], { joined: [[1, 'join']] });
  }],
  ['quorum', (bench: Bench) => {
    bench.quorum(false, [1]);
    return bench.quorum(true, [1, 2, 3]);
  }],
  ['the others', (bench: Bench) => {
    return bench.view([1, 2, 3], { left: [[2, 'nodedown']], joined: [[2, 'nodeup']] });
  }],
] as const) {
  test(`a node that had lost ${what} asks its kernel`, (t) => {
    const bench = startedBench();
    bench.hold();
    t.not(roundOf(pass(bench)), null);
  });
}

test('a start, a peer that starts and a peer that dies are no gaps', (t) => {
  const bench = startedBench();
  bench.hold();
  bench.view([1, 3], { left: [[2, 'procdown']] });
  bench.view([1, 2, 3], { joined: [[2, 'join']] });
  bench.view([1, 3], { left: [[2, 'nodedown']] });
  bench.quorum(true, [1, 3]);
  t.is(bench.state.recheckRound, 0);
});

test('with nothing held there is nothing to ask', (t) => {
  const bench = startedBench();
  t.is(passGap(bench), null);
  t.true(isSnapshotSent(bench.hear(2, { kind: 'request', nodeId: 1 })));
});

test('the end of the lock manager ends the check: adoption asks for every lock', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  passGap(bench);
  bench.hear(2, { kind: 'request', nodeId: 1 });
  t.true(isSnapshotSent(bench.lose()));
  t.is(bench.state.recheck, null);
  bench.open([EX('disk')]);
  bench.send({ kind: 'adopted', id });
  t.is(bench.phase(id), 'held');
});

test('a lockspace that vanishes from the kernel takes its locks, though no table tells', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  bench.running();
  const condition = { kind: 'absent' } as const;
  bench.send({ kind: 'lockspace-condition', condition, askedMs: bench.nowMs });
  for (let read = 1; read < RECHECK_READS; read += 1) {
    answer(bench, null);
    bench.wait(RECHECK_PAUSE_MS);
  }
  const effects = answer(bench, null);
  t.deepEqual(lostOf(effects), ['disk']);
  t.deepEqual(recordNames(effects), [`dropped ${id}`]);
  t.deepEqual(actionNames(effects), [], 'there is nothing to unlock it in');
});

test('an orphan in quarantine that has left the kernel leaves the list, too', (t) => {
  const bench = startedBench([], [EX('stranger')]);
  bench.send({ kind: 'adopted', id: 1 });
  t.is(bench.phase(1), 'quarantined');
  passGap(bench);
  const effects = answerAll(bench, []);
  t.deepEqual(lostOf(effects), []);
  t.deepEqual(recordNames(effects), ['dropped 1']);
});
