import test from 'ava';

import type { LockMode } from '../../../src/coordinator/core/mode.js';
import { viewStatus } from '../../../src/coordinator/core/node-view.js';
import type { ListRecord } from '../../../src/coordinator/core/record.js';
import {
  actionNames, entryOf, foundBench, joined, listedLock, logsOf, recordNames, recordsOf,
  startedBench, type Bench,
} from './harness.js';

const EX = [{ lockName: 'disk', mode: 'EX' as const }];

/** A bench whose kernel had these orphans that no list explains; adopted, unless told otherwise. */
function quarantined(orphans: readonly { lockName: string; mode: LockMode }[] = EX): Bench {
  const bench = startedBench([], orphans);
  for (const id of [...bench.state.locks.keys()]) bench.send({ kind: 'adopted', id });
  return bench;
}

function releaseOrphan(
  bench: Bench,
  wish: {
    lockName?: string; mode?: LockMode; reason?: string; by?: string | null; expect?: number;
  } = {},
) {
  const { lockName = 'disk', mode = 'EX', reason = 'ticket 17', by = 'alice' } = wish;
  const { expect = null } = wish;
  const caller = bench.caller();
  const event = { kind: 'release-orphan', caller, lockName, mode, expect, reason, by } as const;
  return { caller, effects: bench.send(event) };
}

const whyOf = (records: readonly ListRecord[]) =>
  records.map((record) => ('why' in record ? record.why : null));

test('a quarantined lock is released by hand, with who and why in the log and in the list', (t) => {
  const bench = quarantined();
  const { caller, effects } = releaseOrphan(bench);
  const why = 'an unexplained orphan, released by hand, asked for by alice: ticket 17';
  t.deepEqual(recordNames(effects), ['releasing 1']);
  t.deepEqual(whyOf(recordsOf(effects)), [why]);
  t.deepEqual(actionNames(effects), ['unlock 1']);
  t.deepEqual(logsOf(effects, 'warn'), [`'disk' (EX) is ${why}`]);
  t.is(bench.outcome(caller), 'open');
  const done = bench.send({ kind: 'unlocked', id: 1 });
  t.deepEqual(whyOf(recordsOf(done)), [`released: ${why}`]);
  t.like(bench.answer(caller), { kind: 'released', released: true, pending: false });
  t.is(bench.listed.size, 0);
});

test('a request that is repeated after it was done takes no twin when it says how many it saw', (t) => {
  const bench = quarantined([{ lockName: 'disk', mode: 'PR' }, { lockName: 'disk', mode: 'PR' }]);
  const wish = { mode: 'PR', expect: 2 } as const;
  const first = releaseOrphan(bench, wish);
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.outcome(first.caller), 'released');
  const again = releaseOrphan(bench, wish);
  t.deepEqual(actionNames(again.effects), []);
  const refused = bench.answer(again.caller);
  t.like(refused, { kind: 'refused', code: 'NOT_HELD', retryable: false });
  t.regex('message' in refused ? refused.message : '', /1 orphans 'disk' are in PR here, not 2/);
  t.deepEqual(actionNames(releaseOrphan(bench, { ...wish, expect: 1 }).effects), ['unlock 2']);
});

test('a release under way is joined whatever was expected before it', (t) => {
  const bench = quarantined();
  releaseOrphan(bench, { expect: 1 });
  t.is(bench.outcome(releaseOrphan(bench, { expect: 1 }).caller), 'open');
});

test('who asked need not be known', (t) => {
  const { effects } = releaseOrphan(quarantined(), { by: null });
  t.deepEqual(whyOf(recordsOf(effects)), ['an unexplained orphan, released by hand: ticket 17']);
});

test('in a stopped lockspace the release is accepted, and finished when it runs again', (t) => {
  const bench = quarantined();
  bench.stopped();
  const { caller, effects } = releaseOrphan(bench);
  t.deepEqual(recordNames(effects), ['releasing 1']);
  t.deepEqual(actionNames(effects), []);
  t.like(bench.answer(caller), { released: true, pending: true });
  t.deepEqual(actionNames(bench.running()), ['unlock 1']);
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.state.locks.size, 0);
});

test('one whose adoption is not over is released by it, and the reason is kept till the end', (t) => {
  const bench = foundBench([]);
  bench.open(EX);
  joined(bench);
  t.is(bench.phase(1), 'adopting');
  const { caller, effects } = releaseOrphan(bench);
  t.deepEqual(actionNames(effects), []);
  t.like(bench.answer(caller), { released: true, pending: true });
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id: 1 })), ['unlock 1']);
  t.regex(whyOf(recordsOf(bench.send({ kind: 'unlocked', id: 1 })))[0] ?? '', /alice: ticket 17/);
});

test('one that a start found listed can be released before the lockspace is open', (t) => {
  const bench = foundBench([listedLock(7, 'quarantined', { owner: null })]);
  t.like(bench.answer(releaseOrphan(bench).caller), { released: true, pending: true });
  bench.open(EX);
  t.deepEqual(recordNames(bench.send({ kind: 'adopted', id: 7 })), ['releasing 7']);
  t.deepEqual(actionNames(bench.running()), ['unlock 7']);
});

test('the reason outlives a crash in the middle of the release', (t) => {
  const before = quarantined();
  releaseOrphan(before);
  const bench = foundBench([...before.listed.values()]);
  bench.open(EX);
  t.regex(whyOf(recordsOf(bench.send({ kind: 'adopted', id: 1 })))[0] ?? '', /alice: ticket 17/);
  t.regex(whyOf(recordsOf(bench.send({ kind: 'unlocked', id: 1 })))[0] ?? '', /alice: ticket 17/);
});

test('a second request joins the release that is under way', (t) => {
  const bench = quarantined();
  const first = releaseOrphan(bench);
  const second = releaseOrphan(bench, { by: 'bob' });
  t.deepEqual(recordNames(second.effects), []);
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.outcome(first.caller), 'released');
  t.is(bench.outcome(second.caller), 'released');
});

test('of several that cannot be told apart each request releases one', (t) => {
  const pr = { lockName: 'disk', mode: 'PR' as const };
  const bench = quarantined([pr, pr]);
  t.deepEqual(actionNames(releaseOrphan(bench, { mode: 'PR' }).effects), ['unlock 1']);
  const other = { mode: 'PR', reason: 'ticket 17, the second' } as const;
  t.deepEqual(actionNames(releaseOrphan(bench, other).effects), ['unlock 2']);
});

test('a request that is repeated while its release is under way releases no other one', (t) => {
  const pr = { lockName: 'disk', mode: 'PR' as const };
  const bench = quarantined([pr, pr]);
  bench.stopped();
  t.like(bench.answer(releaseOrphan(bench, { mode: 'PR' }).caller), { pending: true });
  const again = releaseOrphan(bench, { mode: 'PR' });
  t.deepEqual(recordNames(again.effects), []);
  t.like(bench.answer(again.caller), { released: true, pending: true });
  t.deepEqual(actionNames(bench.running()), ['unlock 1']);
  bench.send({ kind: 'unlocked', id: 1 });
  t.is(bench.phase(2), 'quarantined');
});

test('nothing but an unexplained orphan of that very mode is released', (t) => {
  const bench = quarantined();
  bench.hold({ resource: 'other' });
  const refusals = [
    [{ mode: 'PR' as const }, 'NOT_HELD', /is in EX, not in PR/],
    [{ lockName: 'nope' }, 'NOT_HELD', /no quarantined lock 'nope'/],
    [{ lockName: 'other' }, 'NOT_OWNER', /it is vm-17's/],
  ] as const;
  for (const [wish, code, message] of refusals) {
    const { caller, effects } = releaseOrphan(bench, wish);
    t.is(bench.outcome(caller), code);
    const answer = bench.answer(caller);
    t.regex(answer.kind === 'refused' ? answer.message : '', message);
    t.deepEqual([...recordNames(effects), ...actionNames(effects)], []);
  }
  t.is(bench.phase(1), 'quarantined');
});

test('an orphan of another node is named with the node on which to release it', (t) => {
  const bench = startedBench();
  bench.hear(2, {
    kind: 'hello', nodeName: 'beta', bootId: 'boot-b', softwareVersion: '0.1.0',
    manifestVersion: 1, digest: '', generationFloor: 0, view: '',
  });
  bench.tell(2, 1, [entryOf(4, { state: 'quarantined', owner: null })]);
  const answer = bench.answer(releaseOrphan(bench).caller);
  t.like(answer, { kind: 'refused', code: 'NOT_HELD' });
  t.regex(answer.kind === 'refused' ? answer.message : '', /is on beta/);
});

test('before the kernel was asked nobody says that there is no such orphan', (t) => {
  const bench = foundBench([]);
  t.is(bench.outcome(releaseOrphan(bench).caller), 'STARTING');
});

test('a stopped daemon releases nothing', (t) => {
  const bench = quarantined();
  bench.send({ kind: 'stop', caller: bench.caller(), locks: 'keep' });
  t.is(bench.outcome(releaseOrphan(bench).caller), 'STOPPING');
});

test('the death of the child in the middle loses neither the release nor its reason', (t) => {
  const bench = quarantined();
  const { caller } = releaseOrphan(bench);
  bench.lose();
  t.like(bench.answer(caller), { released: true, pending: true });
  bench.open(EX);
  bench.running();
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id: 1 })), ['unlock 1']);
  t.regex(whyOf(recordsOf(bench.send({ kind: 'unlocked', id: 1 })))[0] ?? '', /alice: ticket 17/);
});

test('the status counts quarantined locks and warns of them', (t) => {
  const bench = quarantined([{ lockName: 'a', mode: 'EX' }, { lockName: 'b', mode: 'PR' }]);
  t.deepEqual(viewStatus(bench.state).locks, { held: 0, waiting: 0, other: 2, quarantined: 2 });
  t.regex(viewStatus(bench.state).warnings.join(), /^2 locks that no list explains are kept/);
  releaseOrphan(bench, { lockName: 'a' });
  t.is(viewStatus(bench.state).locks.quarantined, 1);
  t.regex(viewStatus(bench.state).warnings.join(), /^1 lock that no list explains is kept/);
  releaseOrphan(bench, { lockName: 'b', mode: 'PR' });
  t.deepEqual(viewStatus(bench.state).warnings, []);
});
