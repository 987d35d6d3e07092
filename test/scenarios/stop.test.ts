import { scenario } from './support/scenario.js';

scenario('a clean stop is refused while locks are held, and says what to do', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  await t.throwsAsync(world.finish(world.node(1).stop('refuse')), {
    code: 'LOCKS_HELD',
    message: /the daemon holds 'disk': release them first, or stop it with 'release' .* or 'keep'/,
  });
  t.is(world.at(1).status().standing.kind, 'ok');
  t.is((await world.acquire(1, 'new')).state, 'held');
});

scenario('a stop that releases gives everything back before it says goodbye', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  await world.acquire(1, 'other', { owner: 'beta' });
  const waiting = world.ask(2, 'disk', { waitMs: null });
  await world.advance(50);
  t.is(await world.finish(world.node(1).stop('release')), 0);
  await world.finish(waiting.promise);
  await world.until('left', () => world.view(2, 1)?.state === 'left');
  await world.untilSeen('disk', ['n2 EX held n2']);
  await world.untilSeen('other', []);
  // It has left the lockspace, too: nobody is fenced when the node is switched off.
  const state = () => world.cluster.engine.stateOf(2, 'holdfast');
  await world.until('the lockspace to run without it', () => state().kind === 'running');
  t.deepEqual(state(), { kind: 'running', members: [2, 3] });
  world.cluster.powerOff(1);
  await world.advance(5_000);
  t.deepEqual(world.cluster.fencingPending, []);
  t.is(world.at(2).status().standing.kind, 'ok');
});

scenario('a stop while others leave waits for the lockspace to run, and leaves it then', async (t, world) => {
  const others = [2, 3].map((id) => world.node(id).stop('refuse'));
  await world.until('the others to have stopped the lockspace', () =>
    world.at(1).status().standing.kind === 'recovering');
  t.deepEqual(await world.finish(Promise.all([...others, world.node(1).stop('refuse')])), [0, 0, 0]);
  for (const id of [1, 2, 3]) {
    t.is(world.cluster.engine.stateOf(id, 'holdfast').kind, 'absent', `n${id} has left`);
  }
}, { timings: { recoveryMs: 2_000 } });

scenario('a lockspace that stays stopped is not waited for without end, and it is said', async (t, world) => {
  for (const id of [2, 3]) world.powerOff(id);
  await world.until('no quorum', () => world.at(1).status().standing.kind === 'no-quorum');
  const beganMs = world.clock.monotonic();
  t.is(await world.finish(world.node(1).stop('refuse')), 0);
  t.true(world.clock.monotonic() - beganMs < 25_000);
  t.true(world.node(1).log.some((line) => /the lockspace was not left: it waits for/.test(line)));
  t.is(world.cluster.engine.stateOf(1, 'holdfast').kind, 'waiting');
});

scenario('a stop that keeps leaves orphans, which the next start adopts', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  t.is(await world.finish(world.node(1).stop('keep')), 1);
  await world.until('left', () => world.view(2, 1)?.state === 'left');
  await world.untilSeen('disk', ['n1 EX orphaned alpha']);
  await t.throwsAsync(world.acquire(2, 'disk'), { code: 'HELD', message: /was stopped and keeps its lock/ });
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX held alpha']);
});

scenario('a stop answers whoever is still waiting', async (t, world) => {
  await world.acquire(2, 'disk');
  const waiting = world.ask(1, 'disk', { waitMs: null });
  await world.advance(50);
  const stopped = world.finish(world.node(1).stop('refuse'));
  await t.throwsAsync(waiting.promise, { code: 'CANCELED' });
  t.is(await stopped, 0);
  await world.untilSeen('disk', ['n2 EX held n2']);
});

scenario('a stop without quorum keeps what it cannot release, and the next start releases it', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  for (const id of [2, 3]) world.powerOff(id);
  await world.until('no quorum', () => world.at(1).status().standing.kind === 'no-quorum');
  await world.finish(world.node(1).stop('release'));
  for (const id of [2, 3]) {
    world.cluster.powerOn(id);
    await world.start(id);
  }
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', []);
  t.deepEqual(world.cluster.engine.lockspace('holdfast').table.locksOn('disk'), []);
});

scenario('a stop while the daemon still waits for corosync is no error', async (t, world) => {
  world.cluster.killCorosync(1);
  await world.start(1);
  await world.advance(1_000);
  await world.finish(world.node(1).stop('refuse'));
  t.deepEqual(world.node(1).log.filter((line) => line.startsWith('error')), []);
}, { bare: true });

scenario('a daemon that still waits for corosync stops at once', async (t, world) => {
  world.cluster.killCorosync(1);
  await world.start(1);
  await world.advance(1_000);
  const { standing } = world.at(1).status();
  t.is(standing.kind, 'starting');
  t.regex(standing.kind === 'starting' ? standing.waitingFor : '', /^corosync \(.*start it\)$/);
  const askedMs = world.clock.monotonic();
  t.is(await world.finish(world.node(1).stop('refuse')), 0);
  t.true(world.clock.monotonic() - askedMs < 100);
}, { bare: true });
