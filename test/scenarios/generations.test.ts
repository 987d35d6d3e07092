import type { ExecutionContext } from 'ava';
import { MemoryDisk } from '../coordinator/list/memory-disk.js';
import { scenario } from './support/scenario.js';
import type { Ask, World } from './support/world.js';

/** Takes the numbers of one resource in the order of its holders; each must be higher. */
class Numbers {
  readonly #t: ExecutionContext;
  readonly #world: World;
  last = 0;

  constructor(t: ExecutionContext, world: World) {
    this.#t = t;
    this.#world = world;
  }

  async take(id: number, ask: Ask = {}): Promise<number> {
    const lock = await this.#world.acquire(id, 'disk', { waitMs: 30_000, ...ask });
    return this.note(lock.generation);
  }

  note(generation: number | null): number {
    this.#t.true(generation !== null && generation > this.last,
      `${generation} must be higher than ${this.last}`);
    this.last = generation ?? this.last;
    return this.last;
  }

  async pass(...ids: readonly number[]): Promise<void> {
    for (const id of ids) {
      await this.take(id);
      await this.#world.release(id, 'disk');
    }
  }
}

scenario('each exclusive grant has a higher generation, and everybody sees it', async (t, world) => {
  const numbers = new Numbers(t, world);
  await numbers.pass(1, 2, 3, 1, 1, 3, 2);
  const number = await numbers.take(2);
  await world.untilSeen('disk', ['n2 EX held n2']);
  for (const id of [1, 2, 3]) t.is(world.at(id).locks()[0]?.generation, number);
  t.is((await world.acquire(2, 'disk')).generation, number, 'asked again it is the same');
});

scenario('only modes that one owner holds alone have a generation', async (t, world) => {
  t.is((await world.acquire(1, 'a', { mode: 'PR' })).generation, null);
  t.is((await world.acquire(1, 'b', { mode: 'NL' })).generation, null);
  const { generation } = await world.acquire(1, 'c', { mode: 'PW' });
  t.true((generation ?? 0) > 0);
});

scenario('many grants at once share claims and have a number each', async (t, world) => {
  const asks = Array.from({ length: 200 }, (_, at) => {
    return world.ask(1 + (at % 3), `r${at}`, { owner: `o${at}` });
  });
  const locks = await Promise.all(asks.map(({ promise }) => world.finish(promise)));
  t.is(new Set(locks.map(({ generation }) => generation)).size, 200);
});

scenario('a held lock keeps its generation over a crash of its daemon', async (t, world) => {
  const numbers = new Numbers(t, world);
  const number = await numbers.take(1);
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  t.is(world.at(1).locks()[0]?.generation, number);
  await world.release(1, 'disk');
  await numbers.pass(2, 1);
});

scenario('a daemon that dies at any moment of an acquire has a higher number next', async (t, world) => {
  const numbers = new Numbers(t, world);
  for (let delayMs = 0; delayMs < 24; delayMs += 1) {
    const pending = world.ask(1, 'disk');
    pending.promise.then(({ generation }) => numbers.note(generation), () => undefined);
    await world.advance(delayMs);
    world.node(1).crash();
    await world.start(1);
    await world.untilReady();
    await world.release(1, 'disk');
    await numbers.pass(2);
  }
});

scenario('the death of the holder\'s node leads to a higher number', async (t, world) => {
  const numbers = new Numbers(t, world);
  await numbers.take(1);
  const waiting = world.ask(2, 'disk', { waitMs: null });
  world.powerOff(1);
  numbers.note((await world.finish(waiting.promise)).generation);
  await world.release(2, 'disk');
  await numbers.pass(3, 2);
});

scenario('a node that is cut off tells no number that another node tells later', async (t, world) => {
  const numbers = new Numbers(t, world);
  await numbers.pass(1, 2);
  for (const id of [1, 2, 3]) world.ask(id, `other-${id}`);
  const pending = world.ask(1, 'disk', { owner: 'cut' });
  pending.promise.then(({ generation }) => numbers.note(generation), () => undefined);
  await world.advance(1);
  world.cluster.cut([1]);
  await numbers.pass(2, 3);
});

scenario('after all nodes lost power numbers go on from their lists', async (t, world) => {
  const numbers = new Numbers(t, world);
  for (let round = 0; round < 3; round += 1) {
    await numbers.pass(1, 2, 3);
    await numbers.take(1);
    for (const id of [1, 2, 3]) world.powerOff(id);
    for (const id of [1, 2, 3]) world.cluster.powerOn(id);
    await world.startAll();
  }
});

scenario('a node whose list was deleted goes on from what the others know', async (t, world) => {
  const numbers = new Numbers(t, world);
  await numbers.pass(1, 2, 3);
  world.node(2).crash();
  world.node(2).replaceDisk(new MemoryDisk());
  world.clock.jump(-40 * 365 * 86_400_000);
  await world.start(2);
  await world.untilReady();
  await numbers.pass(2, 1, 2);
});

scenario('a clock that jumped back does not lower numbers while the lists are there', async (t, world) => {
  const numbers = new Numbers(t, world);
  await numbers.pass(1, 2, 3);
  for (const id of [1, 2, 3]) world.node(id).crash();
  world.clock.jump(-10 * 365 * 86_400_000);
  await world.startAll();
  await numbers.pass(3, 2, 1);
});

scenario('a node that was paused claims nothing before its lockspace has answered', async (t, world) => {
  const numbers = new Numbers(t, world);
  await numbers.pass(1, 2);
  const pending = world.ask(1, 'disk', { owner: 'paused' });
  let told: number | null = null;
  pending.promise.then(({ generation }) => { told = generation; }, () => undefined);
  world.cluster.pause(1);
  await numbers.pass(2, 3);
  t.is(told, null);
  world.cluster.resume(1);
  await world.advance(10_000);
  if (told !== null) numbers.note(told);
  await numbers.pass(3, 2);
});

scenario('a member that says nothing holds up exclusive grants for the time-out only', async (t, world) => {
  const numbers = new Numbers(t, world);
  await numbers.pass(1, 2);
  world.node(3).crash();
  const silent = await world.finish(world.cluster.node(3).startProcess().openGroup());
  await world.finish(silent.join('holdfast'));
  await numbers.pass(1, 2, 1);
  const without = world.at(1).status().counters['generations_without_member'];
  t.is(without, 1, 'said once, not waited for again');
});

scenario('while the mark cannot be kept nothing exclusive is granted above it', async (t, world) => {
  const numbers = new Numbers(t, world);
  await numbers.pass(1);
  t.is((await world.acquire(1, 'shared', { mode: 'PR' })).generation, null);
  world.node(1).disk.failing.set('sync', 'EIO');
  world.node(1).disk.failing.set('write', 'EIO');
  await t.throwsAsync(world.acquire(1, 'disk'), { code: 'LIST_FAILED' });
  world.node(1).disk.failing.clear();
  await world.advance(10_000);
  await numbers.pass(1, 2);
});
