import test, { type ExecutionContext } from 'ava';
import type { HandoverAction } from '../../src/coordinator/service.js';
import { Guest } from './support/guest.js';
import { scenario } from './support/scenario.js';
import { World } from './support/world.js';

/** Every step of a handover, with what must have happened before it. */
const STEPS: readonly {
  readonly at: number;
  readonly action: HandoverAction;
  readonly before: readonly (readonly [number, HandoverAction])[];
}[] = [
  { at: 1, action: 'open', before: [] },
  { at: 2, action: 'join', before: [[1, 'open']] },
  { at: 1, action: 'finish', before: [[1, 'open'], [2, 'join']] },
  { at: 1, action: 'abort', before: [[1, 'open'], [2, 'join']] },
  { at: 2, action: 'abort', before: [[1, 'open'], [2, 'join']] },
];

/** How long after a step was asked for: its work takes about 5 ms, a new generation some more. */
const MOMENTS_MS = [0, 2, 8];
/** By then a step has ended, and what follows from it. */
const STEP_DONE_MS = 60;

async function begin(
  t: ExecutionContext,
  world: World,
  steps: readonly (readonly [number, HandoverAction])[] = [],
): Promise<Guest> {
  const guest = new Guest(t, world);
  await guest.begin();
  for (const [id, action] of steps) await guest.do(id, action);
  return guest;
}

/** One world for each moment: `strike` does its worst so long after the step was asked for. */
function everyMoment(
  title: string,
  strike: (t: ExecutionContext, world: World, guest: Guest) => Promise<void>,
): void {
  for (const { at, action, before } of STEPS) {
    for (const delayMs of MOMENTS_MS) {
      scenario(`${title}, ${delayMs} ms after ${action} on n${at}`, async (t, world) => {
        const guest = await begin(t, world, before);
        guest.ask(at, action).catch(() => undefined);
        await world.advance(delayMs);
        await strike(t, world, guest);
      });
    }
  }
}

/** Boundaries that one step passes at one end; it ends earlier when there are none left. */
const BOUNDARIES_MAX = 80;

for (const { at, action, before } of STEPS) {
  for (const victim of [1, 2]) {
    test(`the daemon of n${victim} may die at any point of ${action} on n${at}`, async (t) => {
      let points = 0;
      for (let isReached = true; isReached; points += 1) {
        if (points > BOUNDARIES_MAX) throw new Error('more boundaries than anybody thought');
        isReached = await dieAt(t, { at, action, before, victim, point: points });
      }
      t.log(`${points - 1} points`);
      t.true(points > 0);
    });
  }
}

/** False when the step has ended before that point. */
async function dieAt(
  t: ExecutionContext,
  { at, action, before, victim, point }:
    (typeof STEPS)[number] & { readonly victim: number; readonly point: number },
): Promise<boolean> {
  const world = new World({});
  try {
    await world.startAll();
    const guest = await begin(t, world, before);
    const node = world.node(victim);
    node.diesAt = node.boundaries + point;
    guest.ask(at, action).catch(() => undefined);
    await world.advance(STEP_DONE_MS);
    const isReached = !node.isRunning;
    node.diesAt = null;
    if (isReached) await world.start(victim);
    await world.untilReady();
    t.true([1, 2].includes(await guest.conclude()), `point ${point}`);
    t.deepEqual(world.violations(), []);
    return isReached;
  } finally {
    await world.end();
  }
}

everyMoment('both daemons die and come back', async (t, world, guest) => {
  world.node(1).crash();
  world.node(2).crash();
  await world.advance(1_500);
  await world.start(2);
  await world.start(1);
  await world.untilReady();
  t.true([1, 2].includes(await guest.conclude()));
});

everyMoment('the node of the destination dies', async (t, world, guest) => {
  world.powerOff(2);
  await world.until('recovery', () => world.view(1, 2)?.state === 'recovered');
  if (guest.lockOf(1) === null) {
    // It had given the lock up already: so it died with its owner, and is anybody's.
    guest.letIn();
    await world.until('the next', () => world.seen(3, 'disk').join().includes('EX held'));
  } else t.is(await guest.conclude(), 1);
});

everyMoment('the node of the source dies', async (t, world, guest) => {
  world.powerOff(1);
  const isTaken = (): boolean => guest.lockOf(2) !== null;
  // Whoever had nothing at that time gets nothing: it died with its owner.
  if (!isTaken()) guest.letIn();
  await world.until('recovery', () => world.view(2, 1)?.state === 'recovered');
  await world.until('somebody', () => guest.home === 2
    || world.seen(3, 'disk').join().includes('EX held'));
  if (guest.home === 2) await guest.untilHome(2);
});

scenario('the source dies when both have it: the other has it after recovery, not before', async (t, world) => {
  const guest = await begin(t, world, [[1, 'open'], [2, 'join']]);
  const before = guest.lockOf(1)?.generation ?? 0;
  world.cluster.withholdFencing(1);
  world.powerOff(1);
  await world.until('node-down', () => world.view(2, 1)?.state === 'node-down');
  await world.advance(30_000);
  t.is(guest.lockOf(2)?.mode, 'CW');
  world.cluster.confirmFencing(1);
  await guest.untilHome(2);
  t.true((guest.lockOf(2)?.generation ?? 0) > before);
});

scenario('the destination dies when both have it: the source has it after recovery', async (t, world) => {
  const guest = await begin(t, world, [[1, 'open'], [2, 'join']]);
  const before = guest.lockOf(1)?.generation;
  world.cluster.withholdFencing(2);
  world.powerOff(2);
  await world.until('node-down', () => world.view(1, 2)?.state === 'node-down');
  await world.advance(30_000);
  t.is(guest.lockOf(1)?.mode, 'CW');
  world.cluster.confirmFencing(2);
  await guest.untilHome(1);
  t.is(guest.lockOf(1)?.generation, before);
});

for (const [lost, kept] of [[1, 2], [2, 1]] as const) {
  scenario(`n${lost} is cut off when both have it: it is fenced, and n${kept} has it`, async (t, world) => {
    const guest = await begin(t, world, [[1, 'open'], [2, 'join']]);
    world.cluster.withholdFencing(lost);
    world.cluster.cut([lost]);
    await world.until('the loss', () => world.view(kept, lost)?.state === 'node-down'
      && world.at(lost).status().standing.kind !== 'ok');
    await world.advance(20_000);
    t.is(guest.lockOf(1)?.mode, 'CW');
    t.is(guest.lockOf(2)?.mode, 'CW');
    world.cluster.confirmFencing(lost);
    await guest.untilHome(kept);
  });
}

scenario('a daemon that is away for long changes nothing for the other end', async (t, world) => {
  const guest = await begin(t, world, [[1, 'open'], [2, 'join']]);
  world.node(1).crash();
  await world.advance(90_000);
  t.like(guest.lockOf(2), { mode: 'CW', state: 'held' });
  await world.start(1);
  await world.untilReady();
  t.is(await guest.conclude(), 2);
});

scenario('an abort is finished when the other daemon is back', async (t, world) => {
  const guest = await begin(t, world, [[1, 'open'], [2, 'join']]);
  world.node(2).crash();
  await world.until('daemon-down', () => world.view(1, 2)?.state === 'daemon-down');
  await t.throwsAsync(guest.do(1, 'abort', 3_000), { code: 'TIMEOUT', message: /goes on/ });
  t.like(guest.lockOf(1), { mode: 'CW', handover: { step: 'aborting' } });
  await world.start(2);
  await world.untilReady();
  await guest.untilHome(1);
});

scenario('a destination that stood still until it was lost is fenced, and the source has it', async (t, world) => {
  const guest = await begin(t, world, [[1, 'open'], [2, 'join']]);
  world.cluster.pause(2);
  await world.until('the loss', () => world.view(1, 2)?.state === 'node-down');
  t.is(guest.lockOf(1)?.mode, 'CW');
  world.cluster.resume(2);
  await guest.untilHome(1);
});

scenario('the list cannot be written for a while: the handover waits, and goes on', async (t, world) => {
  const guest = await begin(t, world, [[1, 'open'], [2, 'join']]);
  world.node(2).disk.failing.set('write', 'EIO');
  const finishing = guest.ask(1, 'finish');
  await world.finish(Promise.allSettled([finishing]));
  await world.advance(5_000);
  t.not(guest.lockOf(2)?.mode, 'EX');
  world.node(2).disk.failing.clear();
  await guest.untilHome(2);
});
