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

function take(lockspace: Lockspace, mode: LockMode, wait: boolean): Promise<void> {
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
