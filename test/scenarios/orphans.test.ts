import { toLockName } from '../../src/coordinator/resource-name.js';
import { scenario } from './support/scenario.js';
import type { World } from './support/world.js';

const LONG = 'volume/'.repeat(20);

/** A program that is not Holdfast takes persistent locks on that node and is killed. */
async function leaveForeignOrphans(
  world: World,
  id: number,
  locks: readonly (readonly [resource: string, mode: 'EX' | 'PR'])[],
): Promise<void> {
  const foreign = world.cluster.node(id).startProcess();
  const lockspace = await world.finish(foreign.lockManager().openLockspace('holdfast'));
  for (const [resource, mode] of locks) {
    await world.finish(lockspace.take({ resource, mode, wait: false }).granted);
  }
  foreign.kill();
}

const REASON = { reason: 'the foreign program is gone', by: 'alice', expect: null, dryRun: false } as const;
const signal = new AbortController().signal;

scenario('what a foreign program left is shown, and released by hand while somebody waits', async (t, world) => {
  await leaveForeignOrphans(world, 1, [['disk', 'EX'], [toLockName(LONG), 'PR']]);
  await world.start(1);
  await world.start(2);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX quarantined nobody']);
  t.is(world.at(1).status().locks.quarantined, 2);
  t.regex(world.at(1).status().warnings.join(), /2 locks that no list explains/);
  const waiting = world.ask(2, LONG, { owner: 'vm', waitMs: null });
  await world.until('the orphans to be seen on both nodes with who waits', () =>
    [1, 2].every((id) => world.at(id).orphans().some((orphan) => orphan.waiting.length === 1)));
  t.deepEqual(world.at(2).orphans().map(({ lock }) => `${lock.resource} ${lock.mode}`).sort(), [
    `${toLockName(LONG)} PR`, 'disk EX',
  ].sort());

  const dry = { resource: 'disk', mode: 'EX', ...REASON, dryRun: true, signal } as const;
  t.like(await world.at(1).releaseOrphan(dry), { released: false, dryRun: true, others: 0 });
  await world.untilSeen('disk', ['n1 EX quarantined nobody']);
  await t.throwsAsync(world.at(2).releaseOrphan({ ...dry, dryRun: false }), {
    code: 'NOT_HELD', message: /is on n1: only there/,
  });
  await t.throwsAsync(world.at(1).releaseOrphan({ ...dry, reason: 'a\nb' }), { code: 'BAD_NAME' });

  // By its clear name and by the hash that is shown: the same lock.
  const released = await world.finish(world.at(1).releaseOrphan({
    resource: LONG, mode: 'PR', ...REASON, signal,
  }));
  t.like(released, { released: true, pending: false });
  t.is((await world.finish(waiting.promise)).state, 'held');
  await world.finish(world.at(1).releaseOrphan({ ...dry, dryRun: false }));
  await world.untilSeen('disk', []);
  t.deepEqual(world.at(1).status().warnings, []);
  t.true(world.node(1).log.some((line) =>
    /^warn 'disk' \(EX\) is .*asked for by alice: the foreign program is gone/.test(line)));
}, { size: 2, bare: true });

scenario('a release by hand in a stopped lockspace is finished when it runs again, also by the next daemon', async (t, world) => {
  await leaveForeignOrphans(world, 1, [['disk', 'EX']]);
  for (const { id } of world.nodes) await world.start(id);
  await world.untilReady();
  world.powerOff(3);
  await world.until('the lockspace to stop', () =>
    world.at(1).status().standing.kind === 'recovering');
  const answer = await world.finish(world.at(1).releaseOrphan({
    resource: 'disk', mode: 'EX', ...REASON, signal,
  }));
  t.like(answer, { released: true, pending: true });
  t.deepEqual(world.seen(1, 'disk'), ['n1 EX releasing nobody']);
  world.node(1).crash();
  await world.start(1);
  await world.untilReady([1, 2]);
  await world.untilSeen('disk', []);
  t.is((await world.acquire(2, 'disk')).state, 'held');
}, { bare: true });
