import type { ExecutionContext } from 'ava';
import { CoordinatorError } from '../../src/coordinator/index.js';
import { scenario } from './support/scenario.js';
import type { World } from './support/world.js';

scenario('without quorum nothing is granted, holders keep, and a release is finished later', async (t, world) => {
  await world.acquire(1, 'kept', { owner: 'alpha' });
  await world.acquire(1, 'given-back', { owner: 'alpha' });
  world.powerOff(2);
  world.powerOff(3);
  await world.until('no quorum', () => world.at(1).status().standing.kind === 'no-quorum');

  await t.throwsAsync(world.acquire(1, 'new'), { code: 'NO_QUORUM' });
  await t.throwsAsync(world.acquire(1, 'new', { waitMs: null }), { code: 'NO_QUORUM' });
  t.deepEqual(world.seen(1, 'kept'), ['n1 EX held alpha']);
  t.deepEqual(await world.release(1, 'given-back', 'alpha'), { released: true, pending: true });
  t.deepEqual(world.seen(1, 'given-back'), ['n1 EX releasing alpha']);

  for (const id of [2, 3]) {
    world.cluster.powerOn(id);
    await world.start(id);
  }
  await world.untilReady();
  await world.untilSeen('kept', ['n1 EX held alpha']);
  await world.untilSeen('given-back', []);
  t.is((await world.acquire(1, 'new')).state, 'held');
});

scenario('a caller that waits when quorum goes is answered in time, and not with the lock', async (t, world) => {
  await world.acquire(2, 'disk');
  const waiting = world.ask(1, 'disk', { waitMs: 3_000 });
  await world.untilSeen('disk', ['n1 EX waiting n1', 'n2 EX held n2']);
  const askedMs = world.clock.monotonic();
  world.cluster.withholdFencing(1);
  world.cluster.cut([1]);
  await t.throwsAsync(world.finish(waiting.promise), { code: 'TIMEOUT' });
  // The kernel answers no cancel while the lockspace is stopped: a bounded grace, then the answer.
  t.true(world.clock.monotonic() - askedMs <= 5_500);
});

scenario('the child dies without quorum: who waits with a time-out is answered in time', async (t, world) => {
  await world.acquire(2, 'disk');
  const waiting = world.ask(1, 'disk', { waitMs: 3_000 });
  await world.untilSeen('disk', ['n1 EX waiting n1', 'n2 EX held n2']);
  world.cluster.withholdFencing(1);
  world.cluster.cut([1]);
  await world.until('no quorum', () => world.at(1).status().standing.kind === 'no-quorum');
  world.node(1).process.killChild();
  const askedMs = world.clock.monotonic();
  await t.throwsAsync(world.finish(waiting.promise), { instanceOf: CoordinatorError });
  t.true(world.clock.monotonic() - askedMs <= 5_000);
});

scenario('a caller that goes away while the child is being replaced leaves nothing', async (t, world) => {
  await world.acquire(2, 'disk');
  const going = new AbortController();
  const waiting = world.ask(1, 'disk', { waitMs: null, signal: going.signal });
  await world.untilSeen('disk', ['n1 EX waiting n1', 'n2 EX held n2']);
  world.node(1).process.killChild();
  await world.advance(1);
  going.abort();
  await t.throwsAsync(waiting.promise, { code: 'CANCELED' });
  await world.release(2, 'disk');
  await world.untilReady();
  await world.untilSeen('disk', []);
});

scenario('corosync dies on a node: it says isolated, answers, keeps and grants nothing', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.cluster.withholdFencing(1);
  world.cluster.killCorosync(1);
  await world.until('isolated', () => world.at(1).status().standing.kind === 'isolated', 1_000);
  await t.throwsAsync(world.acquire(1, 'new'), { code: 'ISOLATED', message: /cannot vouch/ });
  t.deepEqual(world.seen(1, 'disk'), ['n1 EX held alpha']);
  t.regex(world.at(1).locks()[0]?.note ?? '', /isolated .*nobody vouches/);
  t.is(world.at(1).nodes().filter(({ self, state }) => !self && state === 'synced').length, 0);
  await world.until('node-down', () => world.view(2, 1)?.state === 'node-down');
  await world.advance(30_000);
  t.is(world.at(1).status().standing.kind, 'isolated');
  t.deepEqual(world.seen(2, 'disk'), ['n1 EX held alpha'], 'it may still write to the disk');
});

scenario('corosync comes back where a lockspace was abandoned: the node stays isolated until it reboots', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.cluster.withholdFencing(1);
  world.cluster.killCorosync(1);
  await world.until('isolated', () => world.at(1).status().standing.kind === 'isolated');
  world.cluster.startCorosync(1);
  await world.until('the group to be joined again', () => world.view(2, 1)?.state === 'synced');
  await world.advance(5_000);
  t.is(world.at(1).status().standing.kind, 'isolated');
  t.regex(JSON.stringify(world.at(1).status().standing), /reboot/);
  await t.throwsAsync(world.acquire(1, 'new'), { code: 'ISOLATED' });

  world.powerOff(1);
  world.cluster.confirmFencing(1);
  world.cluster.powerOn(1);
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', []);
  t.is((await world.acquire(1, 'new')).state, 'held');
});

scenario('a partition: the majority gets the lock after fencing, the minority grants nothing', async (t, world) => {
  await world.acquire(3, 'disk', { owner: 'alpha' });
  const waiting = world.ask(1, 'disk', { owner: 'standby', waitMs: null });
  await world.advance(50);
  world.cluster.withholdFencing(3);
  world.cluster.cut([3]);
  await world.until('both sides to notice', () => world.view(1, 3)?.state === 'node-down'
    && world.at(3).status().standing.kind === 'no-quorum');
  await world.advance(20_000);
  t.is(waiting.outcome, 'open');
  t.deepEqual(world.seen(3, 'disk'), ['n3 EX held alpha']);
  t.is(world.view(3, 1)?.state, 'node-down');
  await t.throwsAsync(world.acquire(3, 'new'), { code: 'NO_QUORUM' });

  world.cluster.confirmFencing(3);
  await world.finish(waiting.promise);
  await world.untilSeen('disk', ['n1 EX held standby']);
  world.cluster.heal();
  world.cluster.powerOn(3);
  await world.start(3);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX held standby']);
});

scenario('three nodes alone each, then together: everybody sees the same again', async (t, world) => {
  for (const id of [1, 2, 3]) await world.acquire(id, `disk-${id}`);
  for (const id of [1, 2, 3]) world.cluster.withholdFencing(id);
  world.cluster.cut([1]);
  world.cluster.cut([2]);
  await world.until('nobody to have quorum', () =>
    [1, 2, 3].every((id) => world.at(id).status().standing.kind === 'no-quorum'));
  await world.advance(5_000);
  for (const id of [1, 2, 3]) {
    await t.throwsAsync(world.acquire(id, 'new'), { code: 'NO_QUORUM' });
    t.deepEqual(world.seen(id, `disk-${id}`), [`n${id} EX held n${id}`]);
  }
  world.cluster.heal();
  // dlm_controld cuts off all but one side of a merge; what counts here is the common view.
  await world.until('one view of every daemon that is in the group', () => {
    const inGroup = [1, 2, 3].filter((id) => world.at(id).nodes().some((node) =>
      node.self && node.state === 'synced'));
    return inGroup.length > 0 && inGroup.every((id) => inGroup.every((other) =>
      world.view(id, other)?.state === 'synced'));
  });
  t.pass();
});

scenario('a paused node is fenced before its lock moves on', (t, world) => pauseForGood(t, world, 3));
scenario('also when it has the lowest id', (t, world) => pauseForGood(t, world, 1));

async function pauseForGood(t: ExecutionContext, world: World, id: number): Promise<void> {
  await world.acquire(id, 'disk', { owner: 'alpha' });
  const waiting = world.ask(2, 'disk', { waitMs: null });
  await world.advance(50);
  world.cluster.pause(id);
  await world.finish(waiting.promise);
  t.is(world.cluster.node(id).state, 'off');
  await world.untilSeen('disk', ['n2 EX held n2']);
}

scenario('a pause shorter than the detection changes nothing', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  world.cluster.pause(1);
  await world.advance(200);
  world.cluster.resume(1);
  await world.advance(2_000);
  await world.untilSeen('disk', ['n1 EX held alpha']);
  t.is(world.view(2, 1)?.state, 'synced');
  t.is((await world.acquire(1, 'new')).state, 'held');
});
