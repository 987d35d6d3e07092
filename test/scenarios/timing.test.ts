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

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

for (const [what, jumpMs] of [
  ['an hour back', -HOUR_MS], ['an hour ahead', HOUR_MS],
  ['ten years back', -10 * YEAR_MS], ['two hundred years ahead', 200 * YEAR_MS],
] as const) {
  scenario(`a clock that jumps ${what} changes the times that are shown and nothing else`, async (t, world) => {
    const process = world.cluster.node(1).startOwner();
    const owner = { kind: 'process', pid: process.pid, startTime: process.startTime } as const;
    await world.acquire(1, 'disk', { owner: 'alpha' });
    await world.acquire(1, 'mount', { owner });
    const hasty = world.ask(2, 'disk', { owner: 'hasty', waitMs: 20_000 });
    const patient = world.ask(3, 'disk', { owner: 'patient', waitMs: null });
    await world.advance(5_000);

    world.clock.jumpedMs = jumpMs;
    await world.advance(14_000);
    t.is(hasty.outcome, 'open', 'its time is not up');
    t.is(patient.outcome, 'open');
    await t.throwsAsync(world.finish(hasty.promise), { code: 'TIMEOUT' });
    for (const id of [1, 2, 3]) t.is(world.at(id).status().standing.kind, 'ok');
    for (const { state } of world.at(2).nodes()) t.is(state, 'synced');
    t.deepEqual(world.at(1).status().warnings, []);

    world.node(1).crash();
    await world.start(1);
    await world.untilReady();
    t.deepEqual(world.seen(1, 'mount'), [`n1 EX held pid ${process.pid}`]);
    t.false(world.node(1).log.some((line) => /LOST|reboot|damaged/.test(line)));
    process.end();
    await world.untilSeen('mount', []);
    await world.release(1, 'disk', 'alpha');
    t.is((await world.finish(patient.promise)).state, 'held');
  });
}

scenario('a clock that jumps back and forth during a recovery changes nothing of it', async (t, world) => {
  await world.acquire(3, 'disk');
  const standby = world.ask(1, 'disk', { waitMs: null });
  await world.advance(50);
  world.powerOff(3);
  for (let at = 0; at < 20 && standby.outcome === 'open'; at += 1) {
    world.clock.jumpedMs = at % 2 === 0 ? -HOUR_MS : YEAR_MS;
    await world.advance(500);
  }
  t.is((await world.finish(standby.promise)).state, 'held');
  await world.until('recovered', () => world.view(1, 3)?.state === 'recovered');
});
