import type { ExecutionContext, TestFn } from 'ava';

import { chooseSeed } from '../../support/property-seed.js';
import { waitUntil } from '../host/wait.js';
import type { LabContext } from '../lab-context.js';
import { nothingLeft } from '../reconcile/rows.js';
import { named, type SceneNode } from '../reconcile/scene.js';
import type { KernelWatch } from './kernel-watch.js';
import { describeLoad, drainAll, startLoad, watchKernel } from './load-run.js';
import { randomNumbers } from './random.js';

const RESETS = Number(process.env['HOLDFAST_RESETS'] ?? 1);
/** What the list says of a lock is synced within a second; this is well beyond. */
const SYNCED_MS = 4_000;
const FENCED_MS_MAX = 120_000;
const RESOURCE = 'marked';
const OWNER = named('reset-owner');
const HEIR = named('heir');

type Cut = 'reset' | 'power cut';

/** One machine that goes, and one that stays and inherits. */
interface Loss {
  readonly victim: SceneNode;
  readonly heir: SceneNode;
  readonly cut: Cut;
  readonly seed: number;
}

/**
 * Machines are reset or lose their power while many owners on three nodes take and hold locks, one
 * machine after the other. `HOLDFAST_RESETS` says how often, `HOLDFAST_SEED` which. The witness
 * compares the generations of each resource over all of it.
 */
export function addResets(test: TestFn<LabContext>): void {
  const title = `${RESETS} machines are reset or cut off under load: their locks end with them`;
  test.serial(title, async (t) => {
    t.timeout(300_000 + RESETS * 420_000);
    const { scene, server, timeline } = t.context;
    const { witness } = server;
    const before = witness.violations.length;
    const seed = chooseSeed(t);
    const random = randomNumbers(seed);
    await startLoad(t.context, scene.nodes, seed);
    const watches = new Map(scene.nodes.map((node) => [node, watchKernel(node, server)]));
    const ended: KernelWatch[] = [];
    for (let count = 1; count <= RESETS; count += 1) {
      const index = Math.floor(random() * scene.nodes.length);
      const [victim, heir] = [scene.nodes[index], scene.nodes[(index + 1) % scene.nodes.length]];
      if (victim === undefined || heir === undefined) throw new RangeError(`no node ${index}`);
      const cut = random() < 0.5 ? 'reset' : 'power cut';
      timeline.mark(`${count} of ${RESETS}: ${cut} of ${victim.guest.name}, seed ${seed}`);
      const watch = watches.get(victim);
      if (watch !== undefined) ended.push(watch);
      await watch?.stop();
      await loseMachine(t, { victim, heir, cut, seed: seed + count });
      watches.set(victim, watchKernel(victim, server));
    }
    const tallies = await drainAll(t.context);
    await Promise.all(scene.nodes.map((node) => nothingLeft(node)));
    for (const one of watches.values()) await one.stop();
    const looked = [...ended, ...watches.values()];
    for (const text of describeLoad(tallies, looked, server)) timeline.mark(text);
    t.deepEqual(witness.violations.slice(before), []);
    t.is(witness.generationsSeen, witness.begun.EX, 'every exclusive grant had a generation');
  });
}

/** The machine goes in the middle of its load, is fenced, and comes back with its old list. */
async function loseMachine(
  t: ExecutionContext<LabContext>, { victim, heir, cut, seed }: Loss,
): Promise<void> {
  const { scene, server, timeline } = t.context;
  const { name, nodeId } = victim.guest;
  await Promise.all(scene.nodes.map((node) => node.forgetJournal()));
  // A starved machine may take longer for the answer than an acquire that does not wait lasts.
  await victim.until('hold what is marked', async () => {
    return (await victim.acquire(RESOURCE, OWNER)).status === 200;
  }, FENCED_MS_MAX);
  await new Promise((resolve) => setTimeout(resolve, SYNCED_MS));
  const { bootId } = await victim.status();
  await (cut === 'reset' ? victim.guest.reset() : victim.guest.powerOff());
  // Until it is off its holders count: whoever is granted their locks before that, overlaps.
  await waitUntil(() => victim.guest.pid === null,
    { what: `${name} to be fenced`, timeoutMs: FENCED_MS_MAX, intervalMs: 5 });
  server.nodeDied(nodeId);
  timeline.mark(`${name} is off`);
  await heir.until('hold what died', async () => {
    return (await heir.acquire(RESOURCE, HEIR)).status === 200;
  }, FENCED_MS_MAX);
  timeline.mark(`${heir.guest.name} was granted what ${name} had held`);
  await bringBack(t, victim);

  t.not((await victim.status()).bootId, bootId);
  t.regex(await victim.saidOf(RESOURCE), /\(EX, reset-owner\) ended with a reboot of this node/);
  t.notRegex(await victim.journal(), /adopted|LOST|quarantine/);
  t.deepEqual(await victim.listed(), []);
  t.is((await victim.acquire(RESOURCE, OWNER)).status, 409, 'its heir holds it');
  t.is((await heir.release(RESOURCE, HEIR)).status, 200);
  for (const node of scene.nodes) {
    t.notRegex(await node.journal(), /LOST|that no list explains/, node.guest.name);
  }
  await startLoad(t.context, [victim], seed);
}

async function bringBack(
  { context: { scene, timeline } }: ExecutionContext<LabContext>, node: SceneNode,
): Promise<void> {
  const { guest } = node;
  await guest.powerOn();
  await guest.booted();
  await node.forgetJournal();
  await scene.lab.rejoin(guest.nodeId);
  await scene.lab.quorate([1, 2, 3]);
  await scene.start([node]);
  timeline.mark(`${guest.name} vouches for its locks again`);
}
