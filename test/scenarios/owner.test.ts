import { scenario } from './support/scenario.js';

scenario('a lock ends with the process that owns it', async (t, world) => {
  const process = world.cluster.node(1).startOwner();
  const owner = { kind: 'process', pid: process.pid, startTime: process.startTime } as const;
  await world.acquire(1, 'disk', { owner });
  await world.acquire(1, 'other', { owner });
  await world.acquire(1, 'named', { owner: 'stays' });
  const waiting = world.ask(2, 'disk', { waitMs: null });
  await world.untilSeen('disk', [`n1 EX held pid ${process.pid}`, 'n2 EX waiting n2']);
  process.end();
  await world.finish(waiting.promise);
  await world.untilSeen('disk', ['n2 EX held n2']);
  await world.untilSeen('other', []);
  await world.untilSeen('named', ['n1 EX held stays']);
  t.pass();
});

scenario('an owner that ended while the daemon was away is released at the next start', async (t, world) => {
  const process = world.cluster.node(1).startOwner();
  const owner = { kind: 'process', pid: process.pid, startTime: process.startTime } as const;
  await world.acquire(1, 'disk', { owner });
  const waiting = world.ask(2, 'disk', { waitMs: null });
  await world.advance(50);
  world.node(1).crash();
  await world.advance(500);
  process.end();
  await world.advance(500);
  t.is(waiting.outcome, 'open', 'nobody looks after the lock, so nobody gives it away');
  await world.start(1);
  await world.finish(waiting.promise);
  await world.untilReady();
  await world.untilSeen('disk', ['n2 EX held n2']);
});

scenario('another process under the same pid does not keep the lock', async (t, world) => {
  const first = world.cluster.node(1).startOwner();
  const owner = { kind: 'process', pid: first.pid, startTime: first.startTime } as const;
  await world.acquire(1, 'disk', { owner });
  world.node(1).crash();
  first.end();
  const second = world.cluster.node(1).startOwner(first.pid);
  t.not(second.startTime, first.startTime);
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', []);
});

scenario('a process that does not exist cannot own a lock', async (t, world) => {
  const process = world.cluster.node(1).startOwner();
  const owner = { kind: 'process', pid: process.pid, startTime: process.startTime } as const;
  process.end();
  await t.throwsAsync(world.acquire(1, 'disk', { owner }), { code: 'OWNER_GONE' });
  await world.untilSeen('disk', []);
});

scenario('a process that ends while it waits for a lock never gets it', async (t, world) => {
  await world.acquire(2, 'disk');
  const process = world.cluster.node(1).startOwner();
  const owner = { kind: 'process', pid: process.pid, startTime: process.startTime } as const;
  const waiting = world.ask(1, 'disk', { owner, waitMs: null });
  await world.untilSeen('disk', [`n1 EX waiting pid ${process.pid}`, 'n2 EX held n2']);
  process.end();
  await t.throwsAsync(world.finish(waiting.promise));
  await world.release(2, 'disk');
  await world.advance(1_000);
  await world.untilSeen('disk', []);
});

scenario('an owner that ends without quorum is released when quorum is back', async (t, world) => {
  const process = world.cluster.node(1).startOwner();
  const owner = { kind: 'process', pid: process.pid, startTime: process.startTime } as const;
  await world.acquire(1, 'disk', { owner });
  world.powerOff(2);
  world.powerOff(3);
  await world.until('no quorum', () => world.at(1).status().standing.kind === 'no-quorum');
  process.end();
  await world.advance(500);
  t.deepEqual(world.seen(1, 'disk'), [`n1 EX releasing pid ${process.pid}`]);
  world.cluster.powerOn(2);
  world.cluster.powerOn(3);
  await world.start(2);
  await world.start(3);
  await world.untilReady();
  await world.untilSeen('disk', []);
});

const SLOW = { timings: { lockMs: 20 } };

scenario('an owner that ends while its lock is being adopted is released after it', async (t, world) => {
  const process = world.cluster.node(1).startOwner();
  const owner = { kind: 'process', pid: process.pid, startTime: process.startTime } as const;
  await world.acquire(1, 'disk', { owner });
  world.node(1).process.killChild();
  await world.until('the adoption to be under way', () => {
    const { standing } = world.at(1).status();
    return standing.kind === 'recovering' && standing.waitingFor === 'adoption';
  });
  process.end();
  await world.untilReady();
  await world.untilSeen('disk', []);
  t.deepEqual(world.cluster.engine.lockspace('holdfast').table.locksOn('disk'), []);
  t.is((await world.acquire(2, 'disk')).state, 'held');
}, SLOW);

scenario('an owner that ends while its lock is being released ends it once', async (t, world) => {
  const process = world.cluster.node(1).startOwner();
  const owner = { kind: 'process', pid: process.pid, startTime: process.startTime } as const;
  await world.acquire(1, 'disk', { owner });
  const { signal } = new AbortController();
  const release = world.at(1).release({ resource: 'disk', owner, signal });
  await world.advance(2);
  t.deepEqual(world.seen(1, 'disk'), [`n1 EX releasing pid ${process.pid}`]);
  process.end();
  t.like(await world.finish(release), { released: true });
  await world.untilSeen('disk', []);
  t.is((await world.acquire(2, 'disk')).state, 'held');
}, SLOW);

scenario('what ended while the daemon was away is logged with its reason', async (t, world) => {
  const process = world.cluster.node(1).startOwner();
  const owner = { kind: 'process', pid: process.pid, startTime: process.startTime } as const;
  await world.acquire(1, 'disk', { owner });
  world.node(1).crash();
  process.end();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', []);
  t.true(world.node(1).log.includes("info 'disk' is released: its owner has ended"));
});
