import type { ExecutionContext } from 'ava';
import { scenario } from './support/scenario.js';
import type { World } from './support/world.js';

/** The embedded lock managers do not follow corosync here: what counts is what is told. */
const OWN_LOCKSPACES = { lockspacesIgnoreRings: true };

/** How n3 is lost to the others and comes back, with what it can do itself meanwhile. */
interface Absence {
  readonly what: string;
  readonly leave: (world: World) => void;
  readonly acts: boolean;
  readonly back: (world: World) => void;
}

const ABSENCES: readonly Absence[] = [
  {
    what: 'a node that was paused for longer than the detection',
    leave: ({ cluster }) => cluster.pause(3), acts: false,
    back: ({ cluster }) => cluster.resume(3),
  },
  {
    what: 'a node that was cut off',
    leave: ({ cluster }) => cluster.cut([3]), acts: true,
    back: ({ cluster }) => cluster.heal(),
  },
  {
    what: 'a daemon whose corosync was killed',
    leave: ({ cluster }) => cluster.killCorosync(3), acts: false,
    back: ({ cluster }) => cluster.startCorosync(3),
  },
];

for (const { what, leave, acts, back } of ABSENCES) {
  scenario(`${what} comes back: what changed meanwhile replaces what was known, on both sides`,
    async (t, world) => {
      await world.acquire(1, 'old', { mode: 'PR' });
      await world.acquire(3, 'mine', { mode: 'PR' });
      await world.untilSeen('mine', ['n3 PR held n3']);
      leave(world);
      await world.until('n3 to be missed', () => world.view(1, 3)?.state === 'node-down');
      await world.release(1, 'old');
      await world.acquire(1, 'new', { mode: 'PR' });
      if (acts) await world.release(3, 'mine');
      await world.advance(20_000);
      back(world);
      await world.untilReady();
      await world.untilSeen('old', []);
      await world.untilSeen('new', ['n1 PR held n1']);
      await world.untilSeen('mine', acts ? [] : ['n3 PR held n3']);
      t.true(wasTransferred(world, 1, 3), 'n1 took the manifest of n3 afresh');
      t.true(wasTransferred(world, 3, 1), 'n3 took the manifest of n1 afresh');
      const checks = world.node(3).log.filter((line) => line.includes('checked after'));
      t.is(checks.length > 0, !acts, checks.join());
    }, OWN_LOCKSPACES);
}

/** Whether the peer went from known through not known to known again, in the eyes of that node. */
function wasTransferred(world: World, id: number, peer: number): boolean {
  const states = world.node(id).events.flatMap((event) => {
    return event.type === 'node' && event.node.id === peer ? [event.node.state] : [];
  });
  const last = states.lastIndexOf('joining');
  return last > 0 && states.slice(last).includes('synced');
}

scenario('a daemon that is restarted within one view is another past, not added to the first', async (t, world) => {
  await world.acquire(3, 'mine');
  const { incarnation } = world.view(1, 3) ?? {};
  world.node(3).crash();
  await world.start(3);
  await world.untilReady();
  t.not(world.view(1, 3)?.incarnation, incarnation);
  await world.untilSeen('mine', ['n3 EX held n3']);
  await world.release(3, 'mine');
  await world.untilSeen('mine', []);
  t.is(world.view(1, 3)?.locks, 0);
});

scenario('recovery gave a lock away while its node was gone: its owner is told so when it is back', async (t, world) => {
  await world.acquire(3, 'disk', { owner: 'alpha' });
  await world.acquire(3, 'other', { owner: 'alpha' });
  const standby = world.ask(1, 'disk', { owner: 'standby', waitMs: null });
  await world.untilSeen('disk', ['n1 EX waiting standby', 'n3 EX held alpha']);
  // A fencing device that says it is done, and is not.
  world.cluster.cut([3]);
  await world.finish(standby.promise);
  t.deepEqual(world.seen(3, 'disk').slice(-1), ['n3 EX held alpha'], 'n3 knows nothing of it yet');
  world.cluster.heal();
  await world.until('n3 to be thrown out of the merge', () =>
    world.at(3).status().standing.kind === 'isolated');
  world.cluster.startCorosync(3);
  await world.until('n3 to be known again', () => world.view(1, 3)?.state === 'synced');
  await world.until('n3 to know of its loss', () => lostOn(world, 3).length > 0);
  t.deepEqual(lostOn(world, 3), ['disk'], "its kernel still shows both; n1's later grant is proof");
  t.regex(world.node(3).log.find((line) => /is LOST/.test(line)) ?? '', /n1 holds it with generation/);
  t.deepEqual(world.seen(3, 'disk'), ['n1 EX held standby', 'n3 EX releasing alpha']);
  await world.acquire(2, 'other', { owner: 'third' });
  await world.until('the other loss', () => lostOn(world, 3).includes('other'));
  // What its kernel shows is a lie for as long as it lives: this is what fencing is for.
  world.powerOff(3);
}, { fencingPowersOff: false });

function lostOn(world: World, id: number): readonly string[] {
  return world.node(id).events.flatMap((event) => {
    return event.type === 'lock' && event.lock.state === 'lost' ? [event.lock.resource] : [];
  });
}

scenario('a node without quorum whose kernel kept everything loses nothing when it is back', async (t, world) => {
  for (let index = 0; index < 200; index += 1) await world.acquire(1, `disk-${index}`);
  world.powerOff(2);
  world.powerOff(3);
  await world.until('no quorum', () => world.at(1).status().standing.kind === 'no-quorum');
  const churn = churnOn(world);
  for (const id of [2, 3]) {
    world.cluster.powerOn(id);
    await world.start(id);
  }
  await world.untilReady();
  await churn;
  await world.until('the check', () =>
    world.node(1).log.some((line) => line.includes('checked after')));
  await world.advance(5_000);
  t.deepEqual(lostOn(world, 1), []);
  t.is(world.view(2, 1)?.locks, 100);
});

/** Releases under way while quorum comes back and the kernel is read. */
async function churnOn(world: World): Promise<void> {
  const owner = { kind: 'named', name: 'n1' } as const;
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 100 }, (_, index) =>
    world.at(1).release({ resource: `disk-${index}`, owner, signal })));
}

scenario('a node keeps what it holds through the pause of another', async (t, world) => {
  await keepsThrough(t, world, () => world.cluster.pause(3), () => world.cluster.resume(3));
}, OWN_LOCKSPACES);

async function keepsThrough(
  t: ExecutionContext,
  world: World,
  begin: () => void,
  end: () => void,
): Promise<void> {
  await world.acquire(1, 'disk', { mode: 'PR' });
  begin();
  await world.until('n3 to be missed', () => world.view(1, 3)?.state === 'node-down');
  end();
  await world.untilReady();
  await world.untilSeen('disk', ['n1 PR held n1']);
  t.deepEqual(lostOn(world, 1), []);
}

scenario("four nodes wait: whenever the holder's node dies, exactly the next in the queue is granted", async (t, world) => {
  await world.acquire(5, 'disk', { owner: 'holder' });
  const order = [3, 1, 4, 2];
  const waiting = [];
  for (const id of order) {
    waiting.push(world.ask(id, 'disk', { owner: `standby-${id}`, waitMs: null }));
    await world.advance(50);
  }
  for (const [index, id] of order.entries()) {
    const holder = order[index - 1] ?? 5;
    const standby = waiting[index];
    if (standby === undefined) break;
    world.powerOff(holder);
    await world.finish(standby.promise);
    await world.advance(2_000);
    t.deepEqual(waiting.map(({ outcome }) => outcome), order.map((_, at) => {
      return at <= index ? 'granted' : 'open';
    }), `after n${holder} died`);
    world.cluster.powerOn(holder);
    await world.start(holder);
    await world.untilReady();
    const queue = order.slice(index + 1).map((one) => `n${one} EX waiting standby-${one}`);
    await world.untilSeen('disk', [`n${id} EX held standby-${id}`, ...queue].sort());
  }
}, { size: 5 });

scenario('a ghost of corosync is not waited for, is proven dead, and its node is heard again', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const waiting = world.ask(2, 'disk', { owner: 'standby', waitMs: null });
  await world.untilSeen('disk', ['n1 EX held alpha', 'n2 EX waiting standby']);
  world.cluster.powerOffAsGhost(1);
  world.node(1).bury();
  await world.finish(waiting.promise);
  await world.until('the ghost to be seen through', () => world.view(2, 1)?.state === 'recovered'
    && world.view(3, 1)?.state === 'recovered');
  t.is(world.at(2).status().counters['ghost_members'], 1);
  await world.untilSeen('disk', ['n2 EX held standby']);

  world.cluster.powerOn(1);
  await world.start(1);
  await world.until('n1 to be back', () => world.view(2, 1)?.state === 'synced'
    && world.view(3, 1)?.state === 'synced');
  t.is((await world.acquire(1, 'free')).state, 'held');
});
