import type { ExecutionContext } from 'ava';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { REACTION_EVENTS } from '../../src/config/reaction.js';
import { Reactions } from '../../src/reactions/index.js';
import type { ReactionEvent } from '../../src/reactions/event.js';
import { scenario } from './support/scenario.js';
import type { World } from './support/world.js';

/** Everything that a node's reactions were run on, as they were told it. */
async function reactOn(t: ExecutionContext, world: World, id: number): Promise<ReactionEvent[]> {
  const told: ReactionEvent[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-reactions-'));
  const everything = {
    on: REACTION_EVENTS, command: ['/bin/react'], resources: null, timeoutMs: 1_000, retries: 0,
    retryDelayMs: 1,
  };
  const reactions = await Reactions.start([everything], directory, world.at(id), {
    clock: systemClock,
    log: () => undefined,
    run: ({ input }) => {
      told.push(JSON.parse(input) as ReactionEvent);
      return Promise.resolve({ failure: null, output: '' });
    },
  });
  t.teardown(async () => {
    await reactions.close();
    await rm(directory, { recursive: true });
  });
  return told;
}

/** Commands are started in real time, beside the scenario's clock. */
async function untilTold(told: readonly ReactionEvent[], line: string): Promise<void> {
  for (let turn = 0; turn < 2_000 && !told.map(lineOf).includes(line); turn += 1) {
    await new Promise((resolve) => void setTimeout(resolve, 2));
  }
}

const lineOf = (event: ReactionEvent): string =>
  `${event.event} ${event.node?.name ?? event.lock?.resource ?? ''}`.trim();

scenario('a standby is told of the death, the recovery and its grant', async (t, world) => {
  await world.acquire(1, 'vm-alpha');
  const told = await reactOn(t, world, 2);
  const standby = world.ask(2, 'vm-alpha', { waitMs: null });
  await world.untilSeen('vm-alpha', ['n1 EX held n1', 'n2 EX waiting n2']);
  world.powerOff(1);
  await world.until('the grant', () => standby.outcome === 'granted');
  await world.until('n1 to be recovered', () => world.view(2, 1)?.state === 'recovered');
  await untilTold(told, 'lock-granted vm-alpha');
  await untilTold(told, 'node-recovered n1');
  t.deepEqual(told.map(lineOf).sort(),
    ['lock-granted vm-alpha', 'node-down n1', 'node-recovered n1']);
  t.is(told.find(({ event }) => event === 'node-recovered')?.locksOfNode[0]?.resource, 'vm-alpha');
});

scenario('of several standbys one is granted, and its reaction alone runs', async (t, world) => {
  await world.acquire(1, 'vm-alpha');
  const told = [await reactOn(t, world, 2), await reactOn(t, world, 3), await reactOn(t, world, 4)];
  const order = [3, 2, 4];
  const standbys = [];
  for (const id of order) {
    standbys.push(world.ask(id, 'vm-alpha', { waitMs: null }));
    await world.advance(50);
  }
  world.powerOff(1);
  await world.until('n1 to be recovered', () =>
    order.every((id) => world.view(id, 1)?.state === 'recovered'));
  await world.advance(5_000);
  t.deepEqual(standbys.map(({ outcome }) => outcome), ['granted', 'open', 'open']);
  await untilTold(told[1] ?? [], 'lock-granted vm-alpha');
  for (const events of told) await untilTold(events, 'node-recovered n1');
  t.deepEqual(told.map((events) => events.map(lineOf).sort()), [
    ['node-down n1', 'node-recovered n1'],
    ['lock-granted vm-alpha', 'node-down n1', 'node-recovered n1'],
    ['node-down n1', 'node-recovered n1'],
  ]);
}, { size: 4 });

scenario('losing and regaining quorum is told once each', async (t, world) => {
  const told = await reactOn(t, world, 1);
  world.cluster.cut([1]);
  await world.until('n1 to lose quorum', () => world.at(1).status().quorate === false);
  await untilTold(told, 'quorum-lost');
  t.is(told.map(lineOf).filter((line) => line === 'quorum-lost').length, 1);
});

scenario('a restart tells of unknown orphans, and not of what it holds as before', async (t, world) => {
  await world.acquire(1, 'vm-alpha');
  const foreign = world.cluster.node(1).startProcess();
  const lockspace = await world.finish(foreign.lockManager().openLockspace('holdfast'));
  await world.finish(lockspace.take({ resource: 'disk', mode: 'EX', wait: false }).granted);
  foreign.kill();
  world.node(1).crash();
  // No time passes before somebody listens, as in the daemon.
  await world.node(1).start();
  const told = await reactOn(t, world, 1);
  await world.untilReady();
  await untilTold(told, 'orphan-found disk');
  t.deepEqual(told.map(lineOf), ['orphan-found disk']);
});
