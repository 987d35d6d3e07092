import { scenario } from './support/scenario.js';

scenario('adoption does not make a lock younger: since stays what its owner was told', async (t, world) => {
  const before = await world.acquire(1, 'disk', { owner: 'alpha' });
  await world.advance(5_000);
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX held alpha']);
  t.is(world.at(2).locks()[0]?.since, before.since);
});

scenario('while corosync is away the daemon wakes up now and then, not 200 times a second', async (t, world) => {
  world.cluster.killCorosync(1);
  // The others are stopped: only this daemon's own timers fire.
  world.powerOff(2);
  world.powerOff(3);
  // The next digest would have been due by then.
  await world.advance(12_000);
  const firesBefore = world.timersFired;
  await world.advance(10_000);
  t.true(world.timersFired - firesBefore < 500, `${world.timersFired - firesBefore} timers in 10 s`);
});
