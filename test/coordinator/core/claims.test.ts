import test from 'ava';

import type { Effect } from '../../../src/coordinator/core/effect.js';
import { RESERVE_STALL_MS } from '../../../src/coordinator/core/generations.js';
import type { MessageBody } from '../../../src/coordinator/core/message.js';
import {
  actionNames, kindsOf, PROCESS, recordNames, sentBodies, startedBench, VM, type Bench,
} from './harness.js';

/** A bench on which claims come back only when told, and a lock that waits for its number. */
function claiming(wish: Parameters<Bench['acquire']>[0] = {}): {
  bench: Bench; id: number; caller: number; claim: MessageBody;
} {
  const bench = startedBench();
  bench.group = 'as told';
  const { caller, id } = bench.acquire({ waitMs: null, ...wish });
  const claim = claimIn(bench.send({ kind: 'granted', id }));
  return { bench, id, caller, claim };
}

function claimIn(effects: readonly Effect[]): MessageBody {
  const body = sentBodies(effects).find(({ kind }) => kind === 'claim');
  if (body === undefined) throw new Error('no claim was sent');
  return body;
}

test('an exclusive grant is told when its claim and the proof have come back', (t) => {
  const { bench, id, caller, claim } = claiming();
  t.is(bench.phase(id), 'claiming');
  t.is(bench.listed.get(id)?.state, 'intent');
  const proof = claimIn(bench.echo(claim));
  t.is(bench.outcome(caller), 'open');
  const told = bench.echo(proof);
  t.deepEqual(recordNames(told), [`held ${id}`]);
  const answer = bench.answer(caller);
  const generation = bench.listed.get(id)?.generation;
  t.true(answer.kind === 'acquired' && answer.lock.generation === generation);
  t.true((generation ?? 0) > 0);
});

test('a grant that comes while a claim is under way goes into the next', (t) => {
  const { bench, claim } = claiming();
  const { id } = bench.acquire({ resource: 'other' });
  t.deepEqual(sentBodies(bench.send({ kind: 'granted', id })).filter(({ kind }) => kind === 'claim'), []);
  const next = claimIn(bench.echo(claimIn(bench.echo(claim))));
  t.like(next, { count: 1 });
});

for (const [what, end] of [
  ['its owner releases it', (bench: Bench) => bench.release().effects],
  ['its caller goes', (bench: Bench) => bench.send({ kind: 'caller-gone', caller: 1 })],
  ['its caller\'s time is up', (bench: Bench) => bench.wait(600)],
  ['its owner ends', (bench: Bench) => bench.send({ kind: 'owner-ended', owner: PROCESS })],
  ['the group is lost', (bench: Bench) => bench.send({ kind: 'group-lost', reason: 'gone' })],
] as const) {
  test(`a lock that waits for its number is given back when ${what}`, (t) => {
    const owner = what === 'its owner ends' ? PROCESS : VM;
    const { bench, id, claim } = claiming({ owner, waitMs: 500 });
    const effects = end(bench);
    t.deepEqual(actionNames(effects), [`unlock ${id}`]);
    t.is(bench.phase(id), 'releasing');
    bench.echo(claim);
    t.is(bench.phase(id), 'releasing', 'its number is wasted');
    t.is(bench.listed.get(id)?.generation, null);
  });
}

test('a loss of quorum refuses who would not wait, and lets the others wait', (t) => {
  const patient = claiming();
  patient.bench.quorum(false);
  t.is(patient.bench.phase(patient.id), 'claiming');
  const hasty = claiming({ waitMs: 0 });
  hasty.bench.quorum(false);
  t.is(hasty.bench.outcome(hasty.caller), 'NO_QUORUM');
  t.is(hasty.bench.phase(hasty.id), 'releasing');
});

test('the end of the lock manager\'s process makes it an intent that is adopted and numbered', (t) => {
  const { bench, id, caller, claim } = claiming();
  bench.lose();
  t.is(bench.phase(id), 'orphaned');
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  bench.group = 'agrees';
  bench.send({ kind: 'adopted', id });
  t.is(bench.phase(id), 'claiming');
  bench.echo(claim);
  t.is(bench.outcome(caller), 'acquired');
});

test('a number above the mark waits for the disk, and is refused when the disk fails', (t) => {
  const { bench, id, caller, claim } = claiming();
  bench.state.generations.mark = 0;
  bench.echo(claimIn(bench.echo(claim)));
  t.is(bench.phase(id), 'claiming');
  bench.send({ kind: 'generations-failed', message: 'EIO' });
  t.is(bench.outcome(caller), 'LIST_FAILED');
  t.is(bench.phase(id), 'releasing');
});

test('after a loss nobody claims before the lockspace was asked since and runs', (t) => {
  const { bench, id } = claiming();
  bench.group = 'agrees';
  bench.view([1, 3], { left: [[2, 'nodedown']] });
  bench.ring(8n);
  bench.wait(50);
  t.is(bench.phase(id), 'claiming');
  bench.running([1, 3], bench.nowMs - 51);
  t.is(bench.phase(id), 'claiming', 'that answer is older than the loss');
  bench.running([1, 3]);
  t.is(bench.phase(id), 'held');
});

test('a reservation that hangs is given up, its lock goes back, and a late answer still counts', (t) => {
  const { bench, id, caller, claim } = claiming({ waitMs: 0 });
  const { generations } = bench.state;
  generations.mark = 0;
  generations.reserving = { kind: 'asked', sinceMs: bench.nowMs };
  bench.echo(claimIn(bench.echo(claim)));
  bench.wait(RESERVE_STALL_MS - 1);
  t.is(bench.outcome(caller), 'open');
  bench.wait(1);
  t.is(bench.outcome(caller), 'LIST_FAILED');
  t.is(bench.phase(id), 'releasing');
  t.is(bench.outcome(bench.acquire({ resource: 'new' }).caller), 'LIST_FAILED');
  t.is(bench.outcome(bench.acquire({ resource: 'new', mode: 'PR' }).caller), 'open');
  t.deepEqual(kindsOf(bench.wait(60_000)).filter((kind) => kind === 'reserve-generations'), []);
  bench.send({ kind: 'generations-reserved', upTo: generations.known + 5_000 });
  t.is(bench.outcome(bench.acquire({ resource: 'later' }).caller), 'open');
});
