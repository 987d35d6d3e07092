import test from 'ava';

import { Bench, FRESH, actionNames, foundBench, joined, listedLock, startedBench } from './harness.js';

test('a start is starting until the group is joined, and says what it waits for', (t) => {
  const bench = new Bench();
  t.is(bench.state.standing.kind, 'starting');
  bench.send({ kind: 'start-waits', waitingFor: 'quorum' });
  t.deepEqual(bench.state.standing, { kind: 'starting', waitingFor: 'quorum' });
  bench.send({ kind: 'list-found', locks: [], generations: FRESH });
  bench.quorum();
  bench.running();
  bench.open();
  t.is(bench.state.standing.kind, 'starting');
  joined(bench);
  t.deepEqual(bench.state.standing, { kind: 'ok' });
  bench.send({ kind: 'start-waits', waitingFor: 'nothing any more' });
  t.deepEqual(bench.state.standing, { kind: 'ok' });
});

test('the worst of what is known decides the standing', (t) => {
  const bench = startedBench();
  const stands = (): string => bench.state.standing.kind;
  bench.stopped('recovery');
  t.is(stands(), 'recovering');
  bench.quorum(false);
  t.is(stands(), 'no-quorum');
  bench.send({ kind: 'quorum-away', reason: 'corosync died' });
  t.is(stands(), 'isolated');
  bench.quorum(true);
  t.is(stands(), 'recovering');
  bench.send({ kind: 'group-lost', reason: 'corosync died' });
  t.is(stands(), 'isolated');
  joined(bench);
  t.is(stands(), 'recovering');
  bench.running();
  t.is(stands(), 'ok');
});

test('an abandoned lockspace isolates, an absent one is waited for', (t) => {
  const bench = startedBench();
  const condition = { kind: 'abandoned', reason: 'dlm_controld is away' } as const;
  bench.send({ kind: 'lockspace-condition', condition, askedMs: bench.nowMs });
  t.deepEqual(bench.state.standing, { kind: 'isolated', reason: 'dlm_controld is away' });
  const absent = { kind: 'absent' } as const;
  bench.send({ kind: 'lockspace-condition', condition: absent, askedMs: bench.nowMs });
  t.is(bench.state.standing.kind, 'recovering');
});

test('a lockspace that was seen running and vanishes isolates', (t) => {
  const bench = startedBench();
  bench.running();
  const absent = { kind: 'absent' } as const;
  bench.send({ kind: 'lockspace-condition', condition: absent, askedMs: bench.nowMs });
  t.is(bench.state.standing.kind, 'isolated');
});

test('who would not wait is answered when the lockspace stops under the attempt', (t) => {
  const bench = startedBench();
  const hasty = bench.acquire();
  const patient = bench.acquire({ resource: 'other', waitMs: 60_000 });
  bench.stopped('fencing');
  t.is(bench.outcome(hasty.caller), 'RECOVERING');
  t.is(bench.outcome(patient.caller), 'open');
  const effects = bench.send({ kind: 'granted', id: hasty.id });
  t.is(bench.phase(hasty.id), 'releasing');
  t.deepEqual(actionNames(effects), []);
  t.deepEqual(actionNames(bench.running()), [`unlock ${hasty.id}`]);
  t.is(bench.outcome(patient.caller), 'open');
});

test('a lost process is recovered from only when everything is adopted', (t) => {
  const bench = startedBench();
  const id = bench.hold();
  bench.lose();
  t.is(bench.state.standing.kind, 'recovering');
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  t.deepEqual(bench.state.standing, { kind: 'recovering', waitingFor: 'adoption' });
  bench.send({ kind: 'adopted', id });
  t.is(bench.state.standing.kind, 'ok');
});

test('a standing is published once, when it changes', (t) => {
  const bench = startedBench();
  const published = (effects: ReturnType<Bench['send']>): number => {
    return effects.filter(
      (effect) => effect.kind === 'tell' && effect.event.type === 'standing',
    ).length;
  };
  t.is(published(bench.stopped('fencing')), 1);
  t.is(published(bench.stopped('fencing')), 0);
  t.is(published(bench.stopped('recovery')), 1);
});

test('what was parked or pending goes on when the standing becomes ok again', (t) => {
  const bench = startedBench([listedLock(1, 'held', { resource: 'old' })], [
    { lockName: 'old', mode: 'EX' },
  ]);
  bench.send({ kind: 'adopted', id: 1 });
  bench.stopped();
  bench.send({
    kind: 'release', caller: bench.caller(), resource: 'old',
    owner: { kind: 'named', name: 'vm-17' },
  });
  const { id } = bench.acquire({ waitMs: null });
  bench.quorum(false);
  t.deepEqual(actionNames(bench.quorum(true)), []);
  t.deepEqual([...actionNames(bench.running())].sort(), ['take 2', 'unlock 1']);
  t.is(id, 2);
});

test('a release of the last run is finished once the start is complete', (t) => {
  const bench = foundBench([listedLock(1, 'releasing')]);
  bench.open([{ lockName: 'disk', mode: 'EX' }]);
  t.deepEqual(actionNames(bench.send({ kind: 'adopted', id: 1 })), []);
  bench.send({ kind: 'group-joining', self: { nodeId: 1, pid: 100 } });
  t.deepEqual(actionNames(bench.view([1], { joined: [[1, 'join']] })), ['unlock 1']);
});

test('while the lock manager hangs, releases are pending and nobody is made to wait for a refusal', (t) => {
  const bench = startedBench();
  bench.hold();
  const stalled = bench.send({ kind: 'lockspace-stalled', isStalled: true });
  t.is(bench.state.standing.kind, 'recovering');
  t.true(stalled.some((effect) => effect.kind === 'log'));
  const { effects, caller } = bench.release();
  t.deepEqual(effects.map(({ kind }) => kind).filter((kind) => /persist|lock|reply/.test(kind)),
    ['persist', 'lock', 'reply']);
  t.deepEqual(bench.answer(caller), { kind: 'released', released: true, pending: true });
  bench.send({ kind: 'lockspace-stalled', isStalled: false });
  t.is(bench.state.standing.kind, 'ok');
});
