import type { Owner } from '../../src/coordinator/core/owner.js';
import { scenario } from './support/scenario.js';
import type { World } from './support/world.js';

const alpha: Owner = { kind: 'named', name: 'alpha' };

/** n1 comes back from a crash, and the kernel has forgotten its lock on `disk`. */
async function loseTheLock(world: World): Promise<void> {
  await world.acquire(1, 'disk', { owner: alpha });
  world.node(1).crash();
  await world.advance(10);
  const { table } = world.cluster.engine.lockspace('holdfast');
  for (const lock of table.locksOn('disk')) table.unlock(lock);
  await world.start(1);
  await world.untilReady();
}

scenario('an owner asks for its own lock and is told what it is', async (t, world) => {
  t.like(world.at(1).ownLock('disk', alpha), { state: 'none', lock: null, standing: { kind: 'ok' } });
  await world.acquire(1, 'disk', { owner: alpha });
  t.is(world.at(1).ownLock('disk', alpha).state, 'held');
  t.is(world.at(1).ownLock('disk', { kind: 'named', name: 'beta' }).state, 'none');
  t.is(world.at(2).ownLock('disk', alpha).state, 'none');
  world.ask(2, 'disk', { owner: 'beta', waitMs: null });
  await world.until('n2 to wait', () =>
    world.at(2).ownLock('disk', { kind: 'named', name: 'beta' }).state === 'waiting');
});

scenario('a lost lock is told as lost until its owner gives it up', async (t, world) => {
  await loseTheLock(world);
  const { state, lock } = world.at(1).ownLock('disk', alpha);
  t.is(state, 'lost');
  t.like(lock, { resource: 'disk', owner: alpha });
  const { lost, warnings } = world.at(1).status();
  t.deepEqual(lost.map(({ resource }) => resource), ['disk']);
  t.true(warnings.some((line) => /'disk' of alpha, .* is LOST: stop what it protected/.test(line)));
  t.deepEqual(world.at(2).status().lost, []);

  t.like(await world.release(1, 'disk', alpha), { released: false, pending: false });
  t.is(world.at(1).ownLock('disk', alpha).state, 'none');
  t.deepEqual(world.at(1).status().lost, []);
});

scenario('a lost lock that its owner takes again is held and no longer lost', async (t, world) => {
  await loseTheLock(world);
  await world.acquire(1, 'disk', { owner: alpha });
  t.is(world.at(1).ownLock('disk', alpha).state, 'held');
  t.deepEqual(world.at(1).status().lost, []);
});

scenario('word of a fencing is shown, checked, and frees nothing', async (t, world) => {
  await world.acquire(1, 'disk');
  await world.untilSeen('disk', ['n1 EX held n1']);
  const report = { node: 'n1', operation: 'reboot', succeeded: true };
  // A lie: n1 is alive, and dlm_controld does not wait for its fencing.
  const hint = await world.finish(world.at(2).hintFencing(report));
  t.like(hint, { ...report, nodeId: 1, controller: 'none' });
  t.is(world.view(2, 1)?.state, 'synced');
  await t.throwsAsync(world.acquire(2, 'disk'), { code: 'HELD' });
  t.deepEqual(world.at(2).status().fencingHints, [hint]);
});

scenario('explain tells what was heard beside what dlm_controld says', async (t, world) => {
  await world.acquire(1, 'disk');
  await world.untilSeen('disk', ['n1 EX held n1']);
  world.powerOff(1);
  await world.until('n1 node-down', () => world.view(2, 1)?.state === 'node-down');
  const report = { node: 'n1', operation: 'off', succeeded: false };
  await world.finish(world.at(2).hintFencing(report));
  const { sentences } = await world.finish(world.at(2).explain('disk'));
  t.true(sentences.some((line) =>
    /Pacemaker told at \S+ that off of n1 failed: look at its fencing device/.test(line)));
});

scenario('word of a node that nobody knows is kept as unknown, and only the newest', async (t, world) => {
  for (let index = 0; index < 20; index += 1) {
    const report = { node: `x${index}`, operation: 'reboot', succeeded: true };
    const hint = await world.finish(world.at(1).hintFencing(report));
    t.like(hint, { nodeId: null, controller: 'unknown' });
  }
  const { fencingHints } = world.at(1).status();
  t.is(fencingHints.length, 16);
  t.is(fencingHints.at(-1)?.node, 'x19');
});
