import test from 'ava';

import { CALLERS_PER_LOCK_MAX, EXPLAIN_GRACE_MS } from '../../../src/coordinator/core/limits.js';
import { Bench, actionNames, actionsOf, entryOf, kindsOf, recordNames, startedBench, OTHER, PROCESS, VM } from './harness.js';

test('a take is asked of the kernel only behind its written intent', (t) => {
  const bench = startedBench();
  const { effects, id } = bench.acquire();
  t.deepEqual(kindsOf(effects), ['persist', 'lock']);
  t.deepEqual(recordNames(effects), [`intent ${id}`]);
  t.deepEqual(actionNames(effects), [`take ${id}`]);
});

test('a waiting take is announced before the kernel is asked', (t) => {
  const { effects } = startedBench().acquire({ waitMs: null });
  t.deepEqual(kindsOf(effects), ['persist', 'send', 'lock']);
});

test('the owner is told of a grant after it is written and announced', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  const effects = bench.send({ kind: 'granted', id });
  t.deepEqual(kindsOf(effects), ['persist', 'send', 'confirm-held', 'reply']);
  t.deepEqual(recordNames(effects), [`held ${id}`]);
  t.like(bench.answer(caller), { kind: 'acquired', id, acquired: true, lock: { state: 'held' } });
});

test('an owner that holds the lock already is told so, without asking the kernel', (t) => {
  const bench = startedBench();
  bench.hold();
  const again = bench.acquire();
  t.deepEqual(actionNames(again.effects), []);
  t.like(bench.answer(again.caller), { kind: 'acquired', acquired: false });
});

test('who asks for less than it holds is told that it has more, and loses nothing', (t) => {
  for (const [held, asked] of [['EX', 'PR'], ['EX', 'NL'], ['PW', 'CW'], ['PR', 'CR']] as const) {
    const bench = startedBench();
    const id = bench.hold({ mode: held });
    const { caller, effects } = bench.acquire({ mode: asked });
    t.like(bench.answer(caller), { kind: 'acquired', acquired: false, lock: { mode: held } });
    t.deepEqual(actionNames(effects), []);
    t.is(bench.mode(id), held);
  }
});

test('who asks for more than it holds has its lock converted to what covers both', (t) => {
  for (const [held, asked, gets] of [
    ['PR', 'EX', 'EX'], ['NL', 'CR', 'CR'], ['PR', 'CW', 'PW'], ['CW', 'PR', 'PW'],
  ] as const) {
    const bench = startedBench();
    const id = bench.hold({ mode: held });
    const { caller, effects } = bench.acquire({ mode: asked, waitMs: null });
    t.deepEqual(actionsOf(effects), [{ kind: 'convert', id, mode: gets, wait: true }]);
    bench.send({ kind: 'converted', id });
    t.like(bench.answer(caller), { kind: 'converted', from: held, lock: { mode: gets } });
  }
});

test('who waits for a lock in one mode cannot ask for more beside that', (t) => {
  const bench = startedBench();
  bench.acquire({ mode: 'PR', waitMs: null });
  t.is(bench.outcome(bench.acquire({ mode: 'EX', waitMs: null }).caller), 'BUSY');
  t.is(bench.outcome(bench.acquire({ mode: 'CR', waitMs: null }).caller), 'open');
});

test('two callers of one owner share one take and both get its grant', (t) => {
  const bench = startedBench();
  const first = bench.acquire({ waitMs: null });
  const second = bench.acquire({ waitMs: 5_000 });
  t.deepEqual(actionNames(second.effects), []);
  bench.send({ kind: 'granted', id: first.id });
  t.is(bench.outcome(first.caller), 'acquired');
  t.is(bench.outcome(second.caller), 'acquired');
});

test('a caller who would wait is not refused by a take that does not wait', (t) => {
  const bench = startedBench();
  const hasty = bench.acquire({ waitMs: 0 });
  const patient = bench.acquire({ waitMs: null });
  bench.view([1, 2, 3]);
  bench.tell(2, 1, [entryOf(1)]);
  const effects = bench.fail(hasty.id, 'WOULD_BLOCK');
  t.is(bench.outcome(hasty.caller), 'HELD');
  t.is(bench.outcome(patient.caller), 'open');
  t.deepEqual(actionNames(effects), [`take ${hasty.id}`]);
  bench.send({ kind: 'granted', id: hasty.id });
  t.is(bench.outcome(patient.caller), 'acquired');
});

test('a caller who does not wait is not made to wait beside one who does', (t) => {
  const bench = startedBench();
  bench.acquire({ waitMs: null });
  t.is(bench.outcome(bench.acquire({ waitMs: 0 }).caller), 'BUSY');
  bench.tell(2, 1, [entryOf(1)]);
  const named = bench.acquire({ waitMs: 0 });
  t.like(bench.answer(named.caller), { code: 'HELD', holders: [{ node: { id: 2 } }] });
});

test('a caller who does not wait is told why the lockspace does not run', (t) => {
  const bench = startedBench();
  bench.stopped();
  bench.acquire({ waitMs: null });
  t.is(bench.outcome(bench.acquire({ waitMs: 0 }).caller), 'RECOVERING');
});

test('callers of one lock are bounded', (t) => {
  const bench = startedBench();
  for (let at = 0; at < CALLERS_PER_LOCK_MAX; at += 1) bench.acquire({ waitMs: null });
  t.is(bench.outcome(bench.acquire({ waitMs: null }).caller), 'LIMIT');
});

test('a lock that is just being released is busy for its owner', (t) => {
  const bench = startedBench();
  bench.hold();
  bench.release();
  t.is(bench.outcome(bench.acquire().caller), 'BUSY');
});

test('a refusal names the holder that a manifest names', (t) => {
  const bench = startedBench();
  bench.tell(2, 1, [entryOf(1)]);
  const { caller, id } = bench.acquire();
  t.deepEqual(recordNames(bench.fail(id, 'WOULD_BLOCK')), [`dropped ${id}`]);
  t.like(bench.answer(caller), { code: 'HELD', retryable: true, holders: [{ owner: OTHER }] });
});

test('a refusal waits a moment for the manifest that names the holder', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  bench.fail(id, 'WOULD_BLOCK');
  t.is(bench.outcome(caller), 'open');
  bench.tell(2, 1, [entryOf(1)]);
  t.like(bench.answer(caller), { code: 'HELD', holders: [{ node: { id: 2 } }] });
});

test('a refusal that no manifest explains comes after its moment', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  bench.fail(id, 'WOULD_BLOCK');
  bench.wait(EXPLAIN_GRACE_MS - 1);
  t.is(bench.outcome(caller), 'open');
  bench.wait(1);
  t.like(bench.answer(caller), { code: 'HELD', holders: [] });
});

test('a failure of the lock manager reaches the caller in its words', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  bench.fail(id, 'KERNEL');
  t.is(bench.outcome(caller), 'LOCK_MANAGER');
  t.is(bench.phase(id), 'none');
});

test('a take whose process ended is neither granted nor refused until adoption tells', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  bench.fail(id, 'CHILD_LOST');
  t.is(bench.phase(id), 'taking');
  bench.lose();
  t.is(bench.phase(id), 'orphaned');
  t.is(bench.outcome(caller), 'open');
});

test('without a written intent the caller is refused and nothing is listed', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ owner: PROCESS });
  bench.listed.clear();
  const effects = bench.send({ kind: 'intent-failed', ids: [id], message: 'disk full' });
  t.is(bench.outcome(caller), 'LIST_FAILED');
  t.is(bench.phase(id), 'none');
  t.deepEqual(kindsOf(effects), ['unwatch-owner', 'reply']);
});

test('an intent that fails after the lockspace was lost leaves nothing behind either', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  bench.lose();
  bench.listed.clear();
  const effects = bench.send({ kind: 'intent-failed', ids: [id], message: 'disk full' });
  t.is(bench.outcome(caller), 'LIST_FAILED');
  t.is(bench.phase(id), 'none');
  t.deepEqual(recordNames(effects), []);
});

test('an intent that fails while its lock is being adopted does not stop the adoption', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire();
  bench.lose();
  bench.open(null);
  bench.listed.clear();
  bench.send({ kind: 'intent-failed', ids: [id], message: 'disk full' });
  t.is(bench.outcome(caller), 'LIST_FAILED');
  t.is(bench.state.standing.kind, 'ok');
});

test('a wait that starts in a stopped lockspace is parked and asked for when it runs', (t) => {
  const bench = startedBench();
  bench.stopped();
  const { caller, effects, id } = bench.acquire({ waitMs: null, owner: PROCESS });
  t.deepEqual(kindsOf(effects), ['send', 'watch-owner']);
  t.is(bench.phase(id), 'parked');
  t.deepEqual(actionNames(bench.running()), [`take ${id}`]);
  bench.send({ kind: 'granted', id });
  t.is(bench.outcome(caller), 'acquired');
});

test('each standing but ok refuses at once what does not wait', (t) => {
  const cases: readonly [(bench: Bench) => void, string][] = [
    [(bench) => bench.quorum(false), 'NO_QUORUM'],
    [(bench) => bench.stopped(), 'RECOVERING'],
    [(bench) => bench.lose(), 'RECOVERING'],
    [(bench) => bench.send({ kind: 'group-lost', reason: 'corosync died' }), 'ISOLATED'],
  ];
  for (const [happen, code] of cases) {
    const bench = startedBench();
    happen(bench);
    t.is(bench.outcome(bench.acquire().caller), code);
  }
  t.is(new Bench().acquire().id, -1);
});

test('an isolated node does not vouch for a lock that its owner asks for again', (t) => {
  const bench = startedBench();
  bench.hold();
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  t.is(bench.outcome(bench.acquire().caller), 'ISOLATED');
});

test('a grant that comes while the node is isolated is given back', (t) => {
  const bench = startedBench();
  const { caller, id } = bench.acquire({ waitMs: null });
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  const effects = bench.send({ kind: 'granted', id });
  t.is(bench.outcome(caller), 'ISOLATED');
  t.deepEqual(recordNames(effects), [`releasing ${id}`]);
});

test('a grant for a lock that is not being taken changes nothing that is known', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  t.deepEqual(kindsOf(bench.send({ kind: 'granted', id })), []);
  t.is(bench.phase(id), 'held');
});

test('a grant after the death of its holder says how long after', (t) => {
  const bench = startedBench();
  bench.tell(2, 1, [entryOf(1)]);
  const { caller, id } = bench.acquire({ waitMs: null });
  bench.view([1, 3], { left: [[2, 'nodedown']] });
  bench.ring(8n);
  bench.nowMs += 700;
  bench.send({ kind: 'granted', id });
  t.is(bench.outcome(caller), 'open', 'it has no generation before the loss is settled');
  bench.running([1, 3]);
  t.regex(JSON.stringify(bench.answer(caller)), /granted 700 ms after corosync reported/);

  bench.send({ kind: 'release', caller: 900, resource: 'disk', owner: VM });
  bench.send({ kind: 'unlocked', id });
  const later = bench.acquire({ waitMs: null });
  bench.send({ kind: 'granted', id: later.id });
  t.notRegex(JSON.stringify(bench.answer(later.caller)), /after corosync reported/);
});
