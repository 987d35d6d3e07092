import type { LockMode } from '../../src/coordinator/core/mode.js';
import type { ConvertResult } from '../../src/coordinator/service.js';
import { scenario } from './support/scenario.js';
import { ownerOf, type World } from './support/world.js';

const SLOW = { timings: { lockMs: 20 } };

/** A convert that goes on while the scenario does; `waitMs` is 0 unless said. */
function ask(
  world: World,
  id: number,
  mode: LockMode,
  wish: { readonly owner?: string; readonly waitMs?: number | null } = {},
): Promise<ConvertResult> {
  const { owner = `n${id}`, waitMs = 0 } = wish;
  const { signal } = new AbortController();
  const promise = world.at(id).convert({
    resource: 'disk', mode, owner: ownerOf(owner), waitMs, signal,
  });
  // A crash ends it while nobody looks.
  promise.catch(() => null);
  return promise;
}

/** The mode in which that node's kernel has its one lock on the resource. */
function inKernel(world: World, id: number): string {
  const locks = world.cluster.engine.lockspace('holdfast').locksOf(id);
  return locks.filter(({ resource }) => resource === 'disk')
    .map(({ status }) => (status.kind === 'granted' ? status.mode : status.kind)).join();
}

const generationOf = (world: World, id: number): number =>
  world.at(id).locks().find(({ node }) => node.id === id)?.generation ?? 0;

scenario('the only reader is raised at once, and everybody sees what it holds then', async (t, world) => {
  await world.acquire(1, 'disk', { mode: 'PR' });
  const { lock, from, converted, pending } = await world.finish(ask(world, 1, 'EX'));
  t.like({ mode: lock.mode, from, converted, pending }, {
    mode: 'EX', from: 'PR', converted: true, pending: false,
  });
  await world.untilSeen('disk', ['n1 EX held n1']);
  await t.throwsAsync(world.acquire(2, 'disk', { mode: 'PR' }), { code: 'HELD' });
  world.node(1).crash();
  await world.start(1);
  await world.untilReady();
  await world.untilSeen('disk', ['n1 EX held n1']);
});

scenario('beside another reader an upgrade is refused, names it, and keeps the old mode', async (t, world) => {
  await world.acquire(1, 'disk', { mode: 'PR', owner: 'alpha' });
  await world.acquire(2, 'disk', { mode: 'PR', owner: 'beta' });
  await world.untilSeen('disk', ['n1 PR held alpha', 'n2 PR held beta']);
  await t.throwsAsync(world.finish(ask(world, 1, 'EX', { owner: 'alpha' })), {
    code: 'HELD', message: /beta holds it PR on n2/,
  });
  await world.untilSeen('disk', ['n1 PR held alpha', 'n2 PR held beta']);
  // An acquire that raises is refused alike, and one that waits has its turn.
  await t.throwsAsync(world.acquire(1, 'disk', { owner: 'alpha' }), { code: 'HELD' });
  const patient = world.ask(1, 'disk', { owner: 'alpha', waitMs: null });
  await world.until('the wait to be seen', () => {
    return world.at(2).locks().some(({ converting }) => converting === 'EX');
  });
  await world.release(2, 'disk', 'beta');
  t.is((await world.finish(patient.promise)).mode, 'EX');
  await world.untilSeen('disk', ['n1 EX held alpha']);
});

scenario('of two readers that both wait to be raised one is told of the deadlock', async (t, world) => {
  await world.acquire(1, 'disk', { mode: 'PR', owner: 'alpha' });
  await world.acquire(2, 'disk', { mode: 'PR', owner: 'beta' });
  await world.untilReady();
  const first = ask(world, 1, 'EX', { owner: 'alpha', waitMs: null });
  await world.advance(100);
  await t.throwsAsync(world.finish(ask(world, 2, 'EX', { owner: 'beta', waitMs: null })), {
    code: 'DEADLOCK',
  });
  await world.untilSeen('disk', ['n1 PR held alpha', 'n2 PR held beta']);
  t.deepEqual([inKernel(world, 2)], ['PR']);
  // The way out that the refusal names.
  await world.release(2, 'disk', 'beta');
  t.is((await world.finish(first)).lock.mode, 'EX');
});

scenario('a convert down lets a waiting reader in, and a writer not', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const reader = world.ask(2, 'disk', { mode: 'PR', owner: 'beta', waitMs: null });
  await world.advance(200);
  t.is(reader.outcome, 'open');
  t.like(await world.finish(ask(world, 1, 'PR', { owner: 'alpha' })), { from: 'EX', pending: false });
  t.is((await world.finish(reader.promise)).mode, 'PR');
  await world.untilSeen('disk', ['n1 PR held alpha', 'n2 PR held beta']);
  await t.throwsAsync(world.acquire(3, 'disk'), { code: 'HELD' });
  // Asking for less takes nothing away.
  t.is((await world.acquire(1, 'disk', { owner: 'alpha', mode: 'NL' })).mode, 'PR');
});

scenario('a daemon that dies while it raises a lock finds it in either mode, and says which', async (t, world) => {
  const modes = new Set<string>();
  for (let ageMs = 0; ageMs <= 45; ageMs += 5) {
    await world.acquire(1, 'disk', { mode: 'PR', owner: 'alpha' });
    const isContested = ageMs % 10 === 5;
    if (isContested) await world.acquire(2, 'disk', { mode: 'PR', owner: 'beta' });
    let told: string | null = null;
    ask(world, 1, 'EX', { owner: 'alpha', waitMs: null })
      .then(({ lock }) => (told = lock.mode), () => null);
    await world.advance(ageMs);
    world.node(1).crash();
    await world.start(1);
    await world.untilReady();
    await world.until('its mode to be told', () => {
      return world.seen(2, 'disk')[0] === `n1 ${inKernel(world, 1)} held alpha`;
    });
    const found = inKernel(world, 1);
    t.true(told === null ? ['PR', 'EX'].includes(found) : found === told, `after ${ageMs} ms`);
    t.is(generationOf(world, 1) > 0, found === 'EX');
    if (isContested) t.is(found, 'PR', `after ${ageMs} ms, beside a reader`);
    modes.add(found);
    await world.release(1, 'disk', 'alpha');
    if (isContested) await world.release(2, 'disk', 'beta');
  }
  t.deepEqual([...modes].sort(), ['EX', 'PR'], 'killed while it waits, and after the grant');
  t.false(world.node(1).log.some((line) => /LOST|no list explains/.test(line)));
}, SLOW);

scenario('a daemon that dies while it lowers a lock finishes that at its next start', async (t, world) => {
  for (let ageMs = 0; ageMs <= 45; ageMs += 5) {
    await world.acquire(1, 'disk', { owner: 'alpha' });
    let told = false;
    const listed = world.node(1).disk;
    ask(world, 1, 'PR', { owner: 'alpha' }).then(() => (told = true), () => null);
    await world.advance(ageMs);
    const text = [...listed.files.values()].map(({ bytes }) => bytes.toString()).join('');
    world.node(1).crash();
    await world.start(1);
    await world.untilReady();
    const isAccepted = /"kind":"converting"[^\n]*\n(?:(?!"kind":"dropped")[^])*$/.test(text);
    const mode = told || isAccepted ? 'PR' : 'EX';
    await world.untilSeen('disk', [`n1 ${mode} held alpha`]);
    t.is(inKernel(world, 1), mode, `killed after ${ageMs} ms`);
    await world.release(1, 'disk', 'alpha');
  }
  t.false(world.node(1).log.some((line) => /LOST|no list explains/.test(line)));
}, SLOW);

scenario('the child dies while a lock is lowered: the owner counts on less, and it is finished', async (t, world) => {
  await world.acquire(1, 'disk', { owner: 'alpha' });
  const lowered = ask(world, 1, 'PR', { owner: 'alpha' });
  await world.advance(2);
  world.node(1).process.killChild();
  t.like(await world.finish(lowered), { pending: true });
  await world.untilReady();
  await world.untilSeen('disk', ['n1 PR held alpha']);
  t.is((await world.acquire(2, 'disk', { mode: 'PR' })).mode, 'PR');
}, SLOW);

scenario('a release while a convert waits ends both', async (t, world) => {
  await world.acquire(1, 'disk', { mode: 'PR', owner: 'alpha' });
  await world.acquire(2, 'disk', { mode: 'PR', owner: 'beta' });
  await world.untilReady();
  const waiting = ask(world, 1, 'EX', { owner: 'alpha', waitMs: null });
  await world.advance(100);
  t.like(await world.release(1, 'disk', 'alpha'), { released: true, pending: false });
  await t.throwsAsync(world.finish(waiting), { code: 'CANCELED' });
  t.is(inKernel(world, 1), '');
  await world.untilSeen('disk', ['n2 PR held beta']);
  t.is((await world.finish(ask(world, 2, 'EX', { owner: 'beta' }))).lock.mode, 'EX');
});

scenario('each upgrade to an exclusive mode has a higher generation than all before it', async (t, world) => {
  await world.acquire(1, 'disk', { mode: 'PR' });
  const numbers: number[] = [];
  for (let round = 1; round <= 3; round += 1) {
    numbers.push((await world.finish(ask(world, 1, 'EX'))).lock.generation ?? 0);
    t.is((await world.finish(ask(world, 1, 'PR'))).lock.generation, null);
    if (round === 2) {
      world.node(1).crash();
      await world.start(1);
      await world.untilReady();
    }
  }
  await world.release(1, 'disk');
  numbers.push((await world.acquire(2, 'disk')).generation ?? 0);
  t.true(numbers.every((number, at) => number > (numbers[at - 1] ?? 0)), numbers.join());
});
