import type { ManifestEntry } from '../../src/coordinator/core/message.js';
import { scenario } from './support/scenario.js';
import { NewerDaemon } from './support/newer-daemon.js';
import type { World } from './support/world.js';

const DISK: ManifestEntry = {
  id: 1, resource: 'disk', lockspace: 'holdfast', mode: 'PR', converting: null, state: 'held',
  owner: { kind: 'named', name: 'newcomer' }, since: 1_790_000_000_000, generation: null,
};

/** Two daemons of this version, and a newer one on the third node. */
async function withNewer(world: World, speaks: { min: number; max: number }): Promise<NewerDaemon> {
  for (const id of [1, 2]) await world.start(id);
  await world.untilReady([1, 2]);
  return await world.finish(NewerDaemon.join(world.cluster.node(3).startProcess(), speaks));
}

scenario('a daemon of this protocol and one of the next work together', async (t, world) => {
  const newer = await withNewer(world, { min: 1, max: 2 });
  await world.until('the newer one to be synced', () =>
    [1, 2].every((id) => world.view(id, 3)?.state === 'synced'));
  t.like(world.view(1, 3), { name: 'newer', protocol: { min: 1, max: 2 }, note: null });

  newer.hold(DISK);
  await world.untilSeen('disk', ['newer PR held newcomer']);
  newer.gossip();
  newer.hold({ ...DISK, id: 2, resource: 'other' });
  newer.drop(1);
  newer.tellDigest();
  await world.untilSeen('disk', []);
  await world.untilSeen('other', ['newer PR held newcomer']);
  t.is(world.view(2, 3)?.state, 'synced', 'the digest is over what both know');

  await world.acquire(1, 'mine', { owner: 'alpha' });
  await world.untilSeen('mine', ['n1 EX held alpha']);
  const deltas = newer.heard.filter(({ nodeId, body }) => nodeId === 1 && body === 'delta');
  t.regex(JSON.stringify(deltas), /"resource":"mine".*"state":"STATE_HELD"/);
  t.true(newer.heard.some(({ nodeId, body }) => nodeId === 2 && body === 'hello'));
  for (const id of [1, 2]) {
    const { counters, warnings } = world.at(id).status();
    t.is(counters['messages_of_unknown_type'], 1);
    t.is(counters['messages_garbage'], undefined);
    t.deepEqual(warnings, []);
  }
}, { bare: true });

scenario('a manifest that a newer daemon had before it came is transferred whole', async (t, world) => {
  for (const id of [1, 2]) await world.start(id);
  await world.untilReady([1, 2]);
  const process = world.cluster.node(3).startProcess();
  const newer = await world.finish(NewerDaemon.join(process, { min: 1, max: 2 }));
  await world.until('the ring', () => world.view(1, 3)?.state === 'synced');
  newer.hold(DISK);
  await world.untilSeen('disk', ['newer PR held newcomer']);
  world.node(2).crash();
  await world.start(2);
  await world.untilSeen('disk', ['newer PR held newcomer']);
  t.is(world.view(2, 3)?.state, 'synced');
}, { bare: true });

scenario('a daemon without a common protocol is refused, and that is shown with what to do', async (t, world) => {
  const newer = await withNewer(world, { min: 2, max: 3 });
  await world.until('the foreign one to be heard', () =>
    [1, 2].every((id) => world.view(id, 3)?.protocol !== null));
  await world.advance(5_000);
  newer.gossip();
  await world.advance(100);
  for (const id of [1, 2]) {
    t.like(world.view(id, 3), { state: 'joining', protocol: { min: 2, max: 3 }, locks: 0 });
    const { warnings, counters } = world.at(id).status();
    const [warning = ''] = warnings;
    t.regex(warning, /speaks protocol 2 to 3, this node's 1: .* not known here; update Holdfast/);
    t.true((counters['messages_of_foreign_protocol'] ?? 0) >= 2);
    t.is(counters['messages_garbage'], undefined);
    const complaints = world.node(id).log.filter((line) => /protocol 2 and newer/.test(line));
    t.is(complaints.length, 1, 'once, however much it says');
  }
  t.is((await world.acquire(1, 'mine')).state, 'held', 'and the others go on');
  await world.untilSeen('mine', ['n1 EX held n1']);
}, { bare: true });
