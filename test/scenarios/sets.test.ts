import test from 'ava';
import fc from 'fast-check';
import type { LockMode } from '../../src/coordinator/core/mode.js';
import { CoordinatorError } from '../../src/coordinator/error.js';
import { chooseSeed } from '../support/property-seed.js';
import { scenario } from './support/scenario.js';
import { ownerOf, World } from './support/world.js';

interface SetAsk {
  readonly owner?: string;
  readonly mode?: LockMode;
  readonly waitMs?: number | null;
  readonly signal?: AbortSignal;
}

interface PendingSet {
  readonly promise: Promise<readonly string[]>;
  outcome: 'open' | 'granted' | 'refused';
}

/** Asks for a set and goes on at once; its promise tells the names in the order of the asking. */
function askSet(world: World, id: number, names: readonly string[], ask: SetAsk = {}): PendingSet {
  const { owner = `n${id}`, mode = 'EX', waitMs = null } = ask;
  const promise = world.at(id).acquireSet({
    members: names.map((resource) => ({ resource, mode })),
    owner: ownerOf(owner), waitMs, signal: ask.signal ?? new AbortController().signal,
  }).then(({ members }) => members.map(({ lock }) => lock.resource));
  const pending: PendingSet = { promise, outcome: 'open' };
  promise.then(() => (pending.outcome = 'granted'), () => (pending.outcome = 'refused'));
  return pending;
}

/** What the node's daemon holds for that owner, by its own word. */
function heldBy(world: World, id: number, owner: string): readonly string[] {
  return world.at(id).locks()
    .filter((lock) => lock.node.id === id && lock.state === 'held')
    .filter((lock) => lock.owner?.kind === 'named' && lock.owner.name === owner)
    .map(({ resource }) => resource).sort();
}

/** How many locks the kernels have in all. */
const lockCount = (world: World, names: readonly string[]) => names.reduce((sum, name) => {
  return sum + world.cluster.engine.lockspace('holdfast').table.locksOn(name).length;
}, 0);

scenario('a set is held whole, and released one by one', async (t, world) => {
  t.deepEqual(await world.finish(askSet(world, 1, ['c', 'a', 'b'], { owner: 'vm' }).promise), ['c', 'a', 'b']);
  for (const name of ['a', 'b', 'c']) await world.untilSeen(name, ['n1 EX held vm']);
  await world.release(1, 'b', 'vm');
  t.deepEqual(heldBy(world, 1, 'vm'), ['a', 'c']);
  t.deepEqual(await world.finish(askSet(world, 1, ['a', 'b'], { owner: 'vm' }).promise), ['a', 'b']);
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  t.deepEqual(heldBy(world, 1, 'vm'), ['a', 'b', 'c']);
});

scenario('one member that is held elsewhere refuses the whole, and nothing stays', async (t, world) => {
  await world.acquire(2, 'b', { owner: 'other' });
  await world.untilSeen('b', ['n2 EX held other']);
  await world.acquire(1, 'a', { owner: 'vm' });
  const asked = askSet(world, 1, ['c', 'b', 'a', '0'], { owner: 'vm', waitMs: 0 });
  await t.throwsAsync(world.finish(asked.promise), {
    code: 'HELD', message: /^nothing was taken: EX on 'b' was refused: other holds it EX on n2/,
  });
  // Rolled back before it was told: nothing but what was held before.
  t.deepEqual(heldBy(world, 1, 'vm'), ['a']);
  t.is(lockCount(world, ['0', 'a', 'b', 'c']), 2);
});

scenario('two sets in opposite order from two nodes are both granted, one after the other', async (t, world) => {
  for (let round = 0; round < 5; round += 1) {
    const one = askSet(world, 1, ['a', 'b', 'c']);
    const other = askSet(world, 2, ['c', 'b', 'a']);
    await world.until('one of them to be granted', () =>
      [one, other].some(({ outcome }) => outcome === 'granted'));
    const [first, second] = one.outcome === 'granted' ? [1, 2] as const : [2, 1] as const;
    for (const name of ['a', 'b', 'c']) await world.release(first, name);
    await world.finish(Promise.all([one.promise, other.promise]));
    t.deepEqual(heldBy(world, second, `n${second}`), ['a', 'b', 'c']);
    for (const name of ['a', 'b', 'c']) await world.release(second, name);
  }
});

scenario('a caller that goes away in the middle leaves nothing', async (t, world) => {
  await world.acquire(2, 'c', { owner: 'other' });
  const cancel = new AbortController();
  const asked = askSet(world, 1, ['a', 'b', 'c'], { owner: 'vm', signal: cancel.signal });
  await world.until('the last member to wait', () => world.seen(1, 'c').length === 2);
  cancel.abort();
  await t.throwsAsync(world.finish(asked.promise), { code: 'CANCELED' });
  await world.until('all to be given back', () => lockCount(world, ['a', 'b', 'c']) === 1);
  for (const name of ['a', 'b']) await world.untilSeen(name, []);
});

scenario('the child dies in the middle: the set is refused, and nothing of it stays', async (t, world) => {
  await world.acquire(2, 'c', { owner: 'other' });
  const asked = askSet(world, 1, ['a', 'b', 'c'], { owner: 'vm' });
  await world.until('the last member to wait', () => world.seen(1, 'c').length === 2);
  world.node(1).process.killChild();
  await t.throwsAsync(world.finish(asked.promise), { code: 'LOCK_MANAGER' });
  await world.untilReady();
  await world.until('all to be given back', () => lockCount(world, ['a', 'b', 'c']) === 1);
  await world.release(2, 'c', 'other');
  t.is((await world.finish(askSet(world, 1, ['a', 'b', 'c'], { owner: 'vm' }).promise)).length, 3);
});

scenario('a lockspace that stops in the middle holds the set up, and lets it go on', async (t, world) => {
  await world.acquire(3, 'b', { owner: 'dying' });
  const asked = askSet(world, 1, ['a', 'b', 'c'], { owner: 'vm' });
  await world.until('b to be waited for', () => world.seen(1, 'b').length === 2);
  world.powerOff(3);
  t.is((await world.finish(asked.promise)).length, 3);
  t.deepEqual(heldBy(world, 1, 'vm'), ['a', 'b', 'c']);
});

scenario('a full disk refuses the set, and what was taken of it is given back', async (t, world) => {
  await world.acquire(2, 'c', { owner: 'other' });
  const asked = askSet(world, 1, ['a', 'b', 'c'], { owner: 'vm' });
  await world.until('the last member to wait', () => world.seen(1, 'c').length === 2);
  world.node(1).disk.failing.set('write', 'ENOSPC');
  await world.release(2, 'c', 'other');
  await t.throwsAsync(world.finish(asked.promise), { code: 'LIST_FAILED' });
  await world.until('all to be given back', () => lockCount(world, ['a', 'b', 'c']) === 0);
  world.node(1).disk.failing.clear();
});

const NAMES = ['a', 'b', 'c'];

scenario('a daemon killed at any moment of a set leaves all of it or nothing', async (t, world) => {
  let whole = 0;
  for (let ageMs = 0; ageMs <= 24; ageMs += 1) {
    const asked = askSet(world, 1, NAMES, { owner: 'vm' });
    await world.advance(ageMs);
    const { outcome } = asked;
    world.node(1).crash();
    await asked.promise.catch(() => null);
    await world.start(1);
    await world.untilReady();
    await world.until('what was unfinished to be given back', () =>
      lockCount(world, NAMES) === heldBy(world, 1, 'vm').length);
    const held = heldBy(world, 1, 'vm');
    if (outcome === 'granted') t.deepEqual(held, NAMES, `killed after ${ageMs} ms`);
    else t.true(held.length === 0 || held.length === NAMES.length, `${ageMs} ms: ${held.join()}`);
    if (held.length > 0) whole += 1;
    for (const name of NAMES) await world.release(1, name, 'vm');
    t.is(lockCount(world, NAMES), 0);
  }
  t.true(whole > 0 && whole < 25, `${whole} of 25 were whole`);
  t.false(world.node(1).log.some((line) => /LOST|no list explains/.test(line)));
}, { timings: { lockMs: 2 } });

const POOL = ['a', 'b', 'c', 'd', 'e'];
const RUNS = 25;

const happening = fc.record({
  node: fc.integer({ min: 1, max: 3 }),
  owner: fc.constantFrom('x', 'y'),
  names: fc.uniqueArray(fc.constantFrom(...POOL), { minLength: 2, maxLength: 5 }),
  mode: fc.constantFrom<LockMode>('EX', 'PR', 'EX'),
  waitMs: fc.constantFrom(null, 0, 40),
  what: fc.constantFrom('ask', 'ask', 'ask', 'release', 'hang-up', 'kill-child', 'crash'),
  pauseMs: fc.integer({ min: 0, max: 30 }),
});
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** One owner on one node and the set that it asked for last. */
interface Asker {
  readonly node: number;
  readonly owner: string;
  pending: PendingSet | null;
  names: readonly string[];
  cancel: AbortController;
}

function askNext(world: World, asker: Asker, { names, mode, waitMs }: Happening): void {
  // A set that waits for ever while its owner holds another would close a circle by itself.
  if (asker.pending?.outcome === 'refused') asker.pending = null;
  const isFree = asker.pending === null && heldBy(world, asker.node, asker.owner).length === 0;
  if (!isFree) return;
  asker.cancel = new AbortController();
  asker.names = names;
  const { signal } = asker.cancel;
  asker.pending = askSet(world, asker.node, names, { owner: asker.owner, mode, waitMs, signal });
  asker.pending.promise.catch(() => null);
}

/** Whoever was told that it holds its set holds it whole; whoever was refused holds nothing. */
function checkSettled(world: World, asker: Asker): void {
  const { node, owner, pending, names } = asker;
  if (pending === null || pending.outcome === 'open') return;
  const held = heldBy(world, node, owner);
  const expected = pending.outcome === 'granted' ? [...names].sort() : [];
  if (held.join() !== expected.join()) {
    throw new Error(`n${node} ${owner} was ${pending.outcome} ${expected.join()}, holds ${held.join()}`);
  }
}

async function giveUp(world: World, asker: Asker): Promise<void> {
  for (const name of asker.names) {
    await world.release(asker.node, name, asker.owner).catch((error: unknown) => {
      // Of a set that was refused nothing is its own; somebody else may hold it.
      const isOthers = error instanceof CoordinatorError
        && (error.code === 'NOT_OWNER' || error.code === 'NOT_HELD');
      if (!isOthers) throw error;
    });
  }
  asker.pending = null;
}

async function play(happenings: readonly Happening[]): Promise<number> {
  const world = new World({ timings: { lockMs: 2 } });
  let granted = 0;
  try {
    await world.startAll();
    const askers = [1, 2, 3].flatMap((node) => ['x', 'y'].map((owner): Asker => {
      return { node, owner, pending: null, names: [], cancel: new AbortController() };
    }));
    for (const each of happenings) {
      const asker = askers.find(({ node, owner }) => node === each.node && owner === each.owner);
      if (asker === undefined) throw new Error('nobody asks');
      if (each.what === 'ask') askNext(world, asker, each);
      else if (each.what === 'hang-up') asker.cancel.abort();
      else if (each.what === 'release' && asker.pending !== null) {
        await giveUp(world, asker);
      } else if (each.what === 'kill-child') world.node(each.node).process.killChild();
      else if (each.what === 'crash') await crash(world, askers.filter(({ node }) => node === each.node), each.node);
      await world.advance(each.pauseMs);
    }
    granted = await drain(world, askers);
    const violations = world.violations();
    if (violations.length > 0) throw new Error(violations.join());
    // A release that was answered as pending is finished when the child is back.
    await world.until('the kernel to have no lock', () => lockCount(world, POOL) === 0);
  } finally {
    await world.end();
  }
  return granted;
}

/** After a crash each of the node's owners has the set that was told as held, whole, or nothing. */
async function crash(world: World, askers: readonly Asker[], node: number): Promise<void> {
  const before = askers.map(({ pending }) => pending?.outcome);
  world.node(node).crash();
  for (const { pending } of askers) await pending?.promise.catch(() => null);
  await world.start(node);
  await world.untilReady();
  for (const [at, asker] of askers.entries()) {
    const names = [...asker.names].sort();
    const held = heldBy(world, node, asker.owner);
    const mayBe = before[at] === 'granted' ? [names] : before[at] === 'open' ? [names, []] : [[]];
    if (!mayBe.some((set) => set.join() === held.join())) {
      throw new Error(`n${node} ${asker.owner} was ${before[at]} ${names.join()}, has ${held.join()}`);
    }
    await giveUp(world, asker);
  }
}

/** Everybody who is granted gives back: where nobody waits in a circle, all come to an end. */
async function drain(world: World, askers: readonly Asker[]): Promise<number> {
  let granted = 0;
  await world.untilReady();
  while (askers.some(({ pending }) => pending !== null)) {
    await world.until('somebody to be answered', () =>
      askers.some(({ pending }) => pending !== null && pending.outcome !== 'open'));
    for (const asker of askers) {
      if (asker.pending === null || asker.pending.outcome === 'open') continue;
      checkSettled(world, asker);
      if (asker.pending.outcome === 'granted') granted += 1;
      await giveUp(world, asker);
    }
  }
  return granted;
}

test('random sets of several owners never wait in a circle and never leave a part behind', async (t) => {
  const seed = chooseSeed(t);
  let granted = 0;
  const result = await fc.check(
    fc.asyncProperty(fc.array(happening, { maxLength: 30, minLength: 5 }), async (happenings) => {
      granted += await play(happenings);
    }),
    { seed, numRuns: RUNS },
  );
  const why = result.errorInstance instanceof Error ? result.errorInstance.stack : '';
  t.false(result.failed, `${JSON.stringify(result.counterexample)}: ${why}`);
  t.true(granted > 0);
  t.log(`${RUNS} runs, ${granted} sets were still granted at their ends`);
});
