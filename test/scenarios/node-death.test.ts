import { scenario } from './support/scenario.js';

scenario('a dead node keeps its locks until its fencing is confirmed', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const waiting = world.ask(2, 'disk', { owner: 'standby', waitMs: null });
  await world.untilSeen('disk', ['n1 EX held alpha', 'n2 EX waiting standby']);
  world.cluster.withholdFencing(1);
  world.powerOff(1);
  await world.until('node-down', () => world.view(2, 1)?.state === 'node-down'
    && world.view(3, 1)?.state === 'node-down');
  await world.advance(60_000);

  t.is(waiting.outcome, 'open');
  t.is(world.view(2, 1)?.state, 'node-down', 'silence alone is no proof of death');
  t.deepEqual(world.at(2).status().standing, { kind: 'recovering', waitingFor: 'fencing' });
  await world.untilSeen('disk', ['n1 EX held alpha', 'n2 EX waiting standby']);
  await t.throwsAsync(world.acquire(3, 'free'), {
    code: 'RECOVERING', message: /waits for fencing; try again, or wait with a time-out/,
  });
  t.deepEqual(world.cluster.fencingPending, [1]);

  world.cluster.confirmFencing(1);
  t.is((await world.finish(waiting.promise)).node.name, 'n2');
  await world.until('recovered', () => world.view(2, 1)?.state === 'recovered'
    && world.view(3, 1)?.state === 'recovered');
  await world.untilSeen('disk', ['n2 EX held standby']);
  t.is((await world.acquire(3, 'free')).state, 'held');
});

scenario('an acquire that may wait is taken up when the lockspace runs again', async (t, world) => {
  world.cluster.withholdFencing(3);
  world.powerOff(3);
  await world.until('recovering', () => world.at(1).status().standing.kind === 'recovering');
  const patient = world.ask(1, 'disk', { owner: 'patient', waitMs: null });
  await t.throwsAsync(world.acquire(2, 'disk', { waitMs: 700 }), { code: 'TIMEOUT' });
  await world.advance(5_000);
  t.is(patient.outcome, 'open');
  world.cluster.confirmFencing(3);
  await world.finish(patient.promise);
  await world.untilSeen('disk', ['n1 EX held patient']);
});

scenario('what died with a node stays readable as the last it said', async (t, world) => {
  await world.acquire(1, 'disk');
  await world.acquire(1, 'other');
  world.powerOff(1);
  await world.until('recovered', () => world.view(2, 1)?.state === 'recovered');
  t.is(world.view(2, 1)?.locks, 2);
  t.deepEqual(world.at(2).locks(), []);
});

scenario('a release while the lockspace is stopped is accepted and finished after recovery', async (t, world) => {
  await world.acquire(1, 'disk');
  world.cluster.withholdFencing(3);
  world.powerOff(3);
  await world.until('recovering', () => world.at(1).status().standing.kind === 'recovering');
  t.deepEqual(await world.release(1, 'disk'), { released: true, pending: true });
  t.deepEqual(world.seen(1, 'disk'), ['n1 EX releasing n1']);
  world.cluster.confirmFencing(3);
  await world.untilSeen('disk', []);
  t.is((await world.acquire(2, 'disk')).state, 'held');
});

scenario('a node dies whose daemon had been dead before: its locks end after fencing, too', async (t, world) => {
  await world.acquire(1, 'disk');
  world.node(1).crash();
  await world.until('daemon-down', () => world.view(2, 1)?.state === 'daemon-down');
  const waiting = world.ask(2, 'disk', { waitMs: null });
  await world.advance(1_000);
  t.is(waiting.outcome, 'open');
  world.powerOff(1);
  await world.finish(waiting.promise);
  await world.until('recovered', () => world.view(3, 1)?.state === 'recovered');
  await world.untilSeen('disk', ['n2 EX held n2']);
});

scenario('a node is off and on again before anybody asks: its locks are gone all the same', async (t, world) => {
  await world.acquire(1, 'disk');
  const waiting = world.ask(2, 'disk', { waitMs: null });
  await world.advance(50);
  world.powerOff(1);
  world.cluster.powerOn(1);
  await world.start(1);
  await world.untilReady();
  await world.finish(waiting.promise);
  await world.untilSeen('disk', ['n2 EX held n2']);
  t.is(world.view(2, 1)?.state, 'synced');
});
