import test from 'ava';
import { createCluster, type EmbeddedCluster } from '../../src/embedded/index.js';
import { FakeClock } from '../support/fake-clock.js';
import type { LockMode, Lockspace } from '../../src/dlm/index.js';

const THREE = [1, 2, 3].map((id) => ({ id, name: `node${id}` }));

interface World {
  readonly clock: FakeClock;
  readonly cluster: EmbeddedCluster;
}

function createWorld(options: { fencingPowersOff?: boolean } = {}): World {
  const clock = new FakeClock();
  return { clock, cluster: createCluster({ nodes: THREE, clock, ...options }) };
}

async function advanced<T>({ clock }: World, promise: Promise<T>, ms = 2_000): Promise<T> {
  const [value] = await Promise.all([promise, clock.advance(ms)]);
  return value;
}

async function openOn(world: World, id: number): Promise<Lockspace> {
  const process = world.cluster.node(id).startProcess();
  return advanced(world, process.lockManager().openLockspace('ls'));
}

/** Watches a promise without waiting for it. */
function observed(promise: Promise<unknown>): { state: string } {
  const seen = { state: 'pending' };
  promise.then(
    () => (seen.state = 'resolved'),
    (thrown: unknown) => (seen.state = (thrown as { code: string }).code),
  );
  return seen;
}

function take(lockspace: Lockspace, mode: LockMode, wait: boolean): Promise<unknown> {
  return lockspace.take({ resource: 'r', mode, wait }).granted;
}

test('a dead node’s lock is granted to others after fencing and recovery, and not before', async (t) => {
  const world = createWorld();
  const { clock, cluster } = world;
  const one = await openOn(world, 1);
  const two = await openOn(world, 2);
  await advanced(world, take(one, 'EX', false));
  cluster.withholdFencing(1);
  cluster.powerOff(1);
  const waiting = observed(take(two, 'EX', true));
  await clock.advance(10_000);
  t.is(waiting.state, 'pending');
  t.deepEqual(cluster.engine.stateOf(2, 'ls'), { kind: 'waiting', for: 'fencing', members: [1, 2] });
  t.deepEqual(cluster.fencingPending, [1]);
  cluster.confirmFencing(1);
  await clock.advance(40);
  t.is(waiting.state, 'pending');
  t.deepEqual(cluster.engine.stateOf(2, 'ls'), { kind: 'waiting', for: 'recovery', members: [1, 2] });
  await clock.advance(20);
  t.is(waiting.state, 'resolved');
  t.deepEqual(cluster.engine.stateOf(2, 'ls'), { kind: 'running', members: [2] });
});

test('a killed process’s lock stays, excludes others, and is adopted by the next process', async (t) => {
  const world = createWorld();
  const process = world.cluster.node(1).startProcess();
  const one = await advanced(world, process.lockManager().openLockspace('ls'));
  const two = await openOn(world, 2);
  await advanced(world, take(one, 'EX', false));
  process.kill();
  await t.throwsAsync(advanced(world, take(two, 'PR', false)), { code: 'WOULD_BLOCK' });
  const next = await openOn(world, 1);
  const [orphan] = await advanced(world, next.localLocks());
  t.like(orphan, { resource: 'r', granted: 'EX', status: 'granted', orphan: true });
  const id = await advanced(world, next.adopt({ resource: 'r', mode: 'EX' }));
  await advanced(world, next.unlock(id));
  await t.notThrowsAsync(advanced(world, take(two, 'PR', false)));
});

interface Recorded {
  readonly log: string[];
  readonly say: (text: string) => Promise<void>;
}

/** Joins a group on the node and writes down what it is told. */
async function joinOn(world: World, id: number): Promise<Recorded> {
  const process = world.cluster.node(id).startProcess();
  const group = await process.openGroup();
  const log: string[] = [];
  const changes = (list: readonly { nodeId: number; reason: string }[]): string =>
    list.map(({ nodeId, reason }) => `${nodeId}:${reason}`).join(',');
  group.on('view', ({ members, left, joined }) => log.push(
    `view [${members.map(({ nodeId }) => nodeId).sort().join()}] -${changes(left)} +${changes(joined)}`,
  ));
  group.on('ring', (_ring, nodeIds) => log.push(`ring [${nodeIds.join()}]`));
  group.on('message', ({ nodeId }, payload) => log.push(`${nodeId} says ${Buffer.from(payload).toString()}`));
  group.on('lost', ({ code }) => log.push(`lost ${code}`));
  await advanced(world, group.join('g'), 100);
  return { log, say: (text) => group.multicast(Buffer.from(text)) };
}

test('a partition leaves both sides going on in rings of their own, and both see nodeup at its end', async (t) => {
  const world = createWorld();
  const one = await joinOn(world, 1);
  const two = await joinOn(world, 2);
  const three = await joinOn(world, 3);
  for (const { log } of [one, two, three]) log.splice(0);
  world.cluster.cut([3]);
  await world.clock.advance(1_000);
  t.deepEqual(one.log, ['view [1,2] -3:nodedown +', 'ring [1,2]']);
  t.deepEqual(three.log.slice(-2), ['view [3] -1:nodedown,2:nodedown +', 'ring [3]']);
  for (const { log } of [one, two, three]) log.splice(0);
  world.cluster.heal();
  await world.clock.advance(1_000);
  t.deepEqual(two.log, ['view [1,2,3] - +3:nodeup', 'ring [1,2,3]']);
  t.deepEqual(three.log, ['view [1,2,3] - +1:nodeup,2:nodeup', 'ring [1,2,3]']);
});

test('a paused node sees the others go and come when it goes on, and what it had queued arrives after the merge', async (t) => {
  const world = createWorld();
  const [one, , three] = [await joinOn(world, 1), await joinOn(world, 2), await joinOn(world, 3)];
  await world.clock.advance(10);
  for (const { log } of [one, three]) log.splice(0);
  const sent = observed(three.say('from before'));
  world.cluster.pause(3);
  await world.clock.advance(1_000);
  t.deepEqual(three.log, []);
  t.deepEqual(one.log, ['view [1,2] -3:nodedown +', 'ring [1,2]']);
  world.cluster.resume(3);
  await world.clock.advance(1_000);
  t.deepEqual(one.log.slice(2), ['view [1,2,3] - +3:nodeup', 'ring [1,2,3]', '3 says from before']);
  t.deepEqual(three.log, [
    'view [3] -1:nodedown,2:nodedown +', 'view [1,2,3] - +1:nodeup,2:nodeup',
    'ring [1,2,3]', '3 says from before',
  ]);
  t.is(sent.state, 'resolved');
});

test('when corosync dies, its clients are told, its lockspace is abandoned, and the others recover', async (t) => {
  const world = createWorld();
  const two = await openOn(world, 2);
  const held = await openOn(world, 1);
  await advanced(world, take(held, 'EX', false));
  const { log, say } = await joinOn(world, 1);
  const sent = observed(say('x'));
  world.cluster.killCorosync(1);
  await world.clock.advance(10);
  t.is(log.at(-1), 'lost LOST');
  t.is(sent.state, 'LOST');
  t.is(world.cluster.engine.stateOf(1, 'ls').kind, 'abandoned');
  const hanging = observed(held.take({ resource: 'other', mode: 'EX', wait: false }).granted);
  await world.clock.advance(2_000);
  t.is(hanging.state, 'pending');
  await t.notThrowsAsync(advanced(world, take(two, 'EX', false)));
  t.is(world.cluster.node(1).state, 'on');
});

test('without quorum a lockspace waits for it, and goes on when it is back', async (t) => {
  const world = createWorld();
  const one = await openOn(world, 1);
  world.cluster.powerOff(2);
  world.cluster.powerOff(3);
  await world.clock.advance(1_000);
  const waiting = observed(take(one, 'EX', true));
  await world.clock.advance(10_000);
  t.like(world.cluster.engine.stateOf(1, 'ls'), { kind: 'waiting', for: 'quorum' });
  t.is(waiting.state, 'pending');
  world.cluster.powerOn(2);
  await world.clock.advance(1_000);
  t.is(waiting.state, 'resolved');
});

test('a killed child loses its lockspace, and what it held is adopted after opening again', async (t) => {
  const world = createWorld();
  const process = world.cluster.node(1).startProcess();
  const lockManager = process.lockManager();
  const lockspace = await advanced(world, lockManager.openLockspace('ls'));
  const lost: string[] = [];
  lockspace.on('lost', ({ code }) => lost.push(code));
  await advanced(world, take(lockspace, 'PR', false));
  process.killChild();
  await world.clock.advance(10);
  t.deepEqual(lost, ['CHILD_LOST']);
  await t.throwsAsync(lockspace.adopt({ resource: 'r', mode: 'PR' }), { code: 'CHILD_LOST' });
  const again = await advanced(world, lockManager.openLockspace('ls'));
  await t.notThrowsAsync(advanced(world, again.adopt({ resource: 'r', mode: 'PR' })));
});

test('the end of an owner is told once, also when it had ended before it was watched', async (t) => {
  const world = createWorld();
  const node = world.cluster.node(1);
  const { processWatch } = node.startProcess();
  const owner = node.startOwner();
  const { pid, startTime } = owner;
  t.like(await processWatch.identify(pid), { pid, startTime });
  let ends = 0;
  processWatch.watch({ pid, startTime }, () => (ends += 1));
  processWatch.watch({ pid, startTime }, () => (ends += 100)).close();
  owner.end();
  owner.end();
  t.is(ends, 0);
  await world.clock.advance(1);
  t.is(ends, 1);
  t.is(await processWatch.identify(pid), null);
  node.startOwner(pid);
  processWatch.watch({ pid, startTime }, () => (ends += 10));
  await world.clock.advance(1);
  t.is(ends, 11);
});
