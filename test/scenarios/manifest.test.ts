import type { EmbeddedProcess } from '../../src/embedded/index.js';
import { scenario } from './support/scenario.js';
import type { World } from './support/world.js';

/** Enough that a manifest needs several messages. */
const LOCKS = 3_000;

async function shout(world: World, stranger: EmbeddedProcess, messages: readonly Uint8Array[]) {
  const group = await world.finish(stranger.openGroup());
  await world.finish(group.join('holdfast'));
  for (const message of messages) await world.finish(group.multicast(message));
}

scenario('garbage in the group is counted, logged once per sender, and changes nothing', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const messages = [
    new Uint8Array(0), Buffer.from('hello'), Buffer.alloc(4_096, 0xff), Buffer.alloc(64),
    Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
  ];
  await shout(world, world.cluster.node(2).startProcess(), messages);
  await shout(world, world.cluster.node(3).startProcess(), messages);
  await world.advance(1_000);
  for (const id of [1, 2, 3]) {
    t.is(world.at(id).status().counters['messages_garbage'], 2 * messages.length);
    const complaints = world.node(id).log.filter((line) => line.includes('is ignored'));
    t.is(complaints.length, 2, complaints.join('\n'));
    t.regex(complaints[0] ?? '', /^warn a message of process \d+ on node 2 is ignored/);
  }
  await world.untilSeen('disk', ['n1 EX held alpha']);
});

scenario('a stranger in the group on a node does not take the place of its daemon', async (t, world) => {
  const stranger = world.cluster.node(2).startProcess();
  await shout(world, stranger, []);
  await world.acquire(2, 'during', { owner: 'alpha' });
  await world.untilSeen('during', ['n2 EX held alpha']);
  stranger.kill();
  await world.acquire(2, 'after', { owner: 'alpha' });
  await world.untilSeen('after', ['n2 EX held alpha']);
  await world.untilReady();
  t.is(world.view(1, 2)?.state, 'synced');
});

scenario('thousands of locks reach a daemon that starts, in several parts', async (t, world) => {
  const owner = { kind: 'named', name: 'an owner with a name as long as they get'.repeat(4) } as const;
  await world.finish(Promise.all(Array.from({ length: LOCKS }, (_, index) => world.at(1).acquire({
    resource: `${'resource-of-some-length-'.repeat(8)}${index}`,
    mode: 'EX', owner, waitMs: 0,
    signal: new AbortController().signal,
  }))));
  world.node(3).crash();
  await world.start(3);
  await world.untilReady();
  await world.until('all locks to be known on n3', () => world.view(3, 1)?.locks === LOCKS);
  t.is(world.at(3).locks().length, LOCKS);
  t.is(world.at(3).status().counters['messages_garbage'], undefined);
  const last = `${'resource-of-some-length-'.repeat(8)}${LOCKS - 1}`;
  await t.throwsAsync(world.acquire(3, last), { code: 'HELD', message: /on n1 since/ });
});

scenario('a daemon that missed messages notices by the digest and catches up', async (t, world) => {
  world.cluster.pause(3);
  await world.advance(100);
  // Not EX: its generation would wait for the paused node, as everything in the group does.
  await world.acquire(1, 'disk', { owner: 'alpha', mode: 'PR' });
  world.cluster.resume(3);
  await world.untilSeen('disk', ['n1 PR held alpha']);
  await world.advance(15_000);
  t.true([1, 2].every((id) => world.view(3, id)?.state === 'synced'));
});

scenario('two nodes that acquire while the third starts: it sees both, once each', async (t, world) => {
  world.node(3).crash();
  await world.acquire(1, 'before');
  const starting = world.node(3).start();
  for (let index = 0; index < 20; index += 1) {
    await world.acquire(1, `one-${index}`);
    await world.acquire(2, `two-${index}`);
    await world.advance(3);
  }
  await world.finish(starting);
  await world.untilReady();
  await world.until('all 41 on n3', () => world.at(3).locks().length === 41);
  t.is(new Set(world.at(3).locks().map(({ resource }) => resource)).size, 41);
});

scenario('watchers of every node see a lock come and go', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  await world.untilSeen('disk', ['n1 EX held alpha']);
  await world.release(1, 'disk', 'alpha');
  await world.untilSeen('disk', []);
  for (const id of [1, 2, 3]) {
    const told = world.node(id).events.flatMap((event) =>
      event.type === 'lock' && event.lock.resource === 'disk'
        ? [`${event.lock.state}${event.gone ? ' gone' : ''}`] : []);
    t.deepEqual(told.slice(0, 1), ['held'], `n${id}`);
    t.regex(told.at(-1) ?? '', / gone$/);
  }
});
