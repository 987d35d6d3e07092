import type { TestFn } from 'ava';

import { chooseSeed } from '../../support/property-seed.js';
import { DEPLOY_PATH } from '../deployment.js';
import { waitUntil } from '../host/wait.js';
import type { LabContext } from '../lab-context.js';
import { nothingLeft } from '../reconcile/rows.js';
import { named, type SceneNode } from '../reconcile/scene.js';
import { KernelWatch } from './kernel-watch.js';
import { Budget, killAtRandom, type Kill } from './killer.js';
import { randomNumbers } from './random.js';
import { TableReader } from './table-reader.js';
import type { Tally, WitnessServer } from './witness-server.js';

const KILLS = Number(process.env['HOLDFAST_KILLS'] ?? 9);
const OWNERS_PER_NODE = 8;
const RESOURCES = 6;
const LOOK_PAUSE_MS = 400;
const DRAIN_MS_MAX = 300_000;
/** What the list says of a lock is synced within a second; this is well beyond. */
const SYNCED_MS = 4_000;
const FENCED_MS_MAX = 120_000;

/**
 * Daemons and children die at random moments, and a machine is reset, while many owners on three
 * nodes take and hold locks. Judged by what shares no code with the product: a witness on the host
 * that holders tell when they begin and end, and the kernel's tables. `HOLDFAST_KILLS` says how
 * many kills, `HOLDFAST_SEED` which.
 */
export function addKills(test: TestFn<LabContext>): void {
  test.serial(`${KILLS} random kills under load: nothing overlaps, is lost or leaks`, async (t) => {
    t.timeout(300_000 + KILLS * 60_000);
    const { scene, server, timeline } = t.context;
    const { witness } = server;
    const seed = chooseSeed(t);
    await startLoad(t.context, seed);
    timeline.mark(`${3 * OWNERS_PER_NODE} owners at work on ${RESOURCES} resources, seed ${seed}`);
    const restartsBefore = await Promise.all(scene.nodes.map((node) => node.restarts()));
    await Promise.all(scene.nodes.map((node) => node.forgetJournal()));
    const watches = scene.nodes.map((node) => watch(node, server));
    const budget = new Budget(KILLS);
    const kills: Kill[] = [];
    await Promise.all(scene.nodes.map(async (node, index) => {
      const numbers = randomNumbers(seed + index);
      await killAtRandom(node, budget, numbers, (kill) => {
        kills.push(kill);
        const { victim, settled } = kill;
        const when = settled ? '' : ', which was just coming back';
        timeline.mark(`kill ${kills.length} of ${KILLS}: ${victim} on ${node.guest.name}${when}; ` +
          `${witness.violations.length} violations`);
      });
    }));
    const tallies = await drainAll(t.context, [1, 2, 3]);
    timeline.mark('all owners have let go');
    await Promise.all(scene.nodes.map((node) => nothingLeft(node)));
    for (const one of watches) await one.stop();
    for (const text of describeRun(kills, tallies, watches, server)) timeline.mark(text);
    t.deepEqual(witness.violations, []);
    t.is(kills.length, KILLS);
    t.true(watches.every(({ counts }) => counts.samples > 0));
    t.true(witness.begun.EX > 0 && witness.begun.PR > 0);
    t.is(witness.generationsSeen, witness.begun.EX, 'every exclusive grant had a generation');
    for (const [index, node] of scene.nodes.entries()) {
      const killed = kills.filter(({ node, victim }) => node === index + 1 && victim !== 'child');
      const restarts = await node.restarts() - (restartsBefore[index] ?? 0);
      t.is(restarts, killed.length, `${node.guest.name} restarted as often as it was killed`);
      t.notRegex(await node.journal(), /LOST|that no list explains|could not be/);
    }
  });

  test.serial('a machine is reset under load: its locks ended with it, and none comes back', async (t) => {
    t.timeout(600_000);
    const { scene, server, timeline } = t.context;
    const { witness } = server;
    const [n1, n2, n3] = scene.nodes;
    const before = witness.violations.length;
    await Promise.all(scene.nodes.map((node) => node.forgetJournal()));
    await startLoad(t.context, chooseSeed(t));
    const watches = [n1, n2].map((node) => watch(node, server));
    await n3.take('marked', named('reset-owner'));
    await new Promise((resolve) => setTimeout(resolve, SYNCED_MS));
    const { bootId } = await n3.status();
    await n3.guest.reset();
    timeline.mark('n3 was reset');
    // Until it is fenced its holders count: whoever is granted their locks before that, overlaps.
    await waitUntil(() => n3.guest.pid === null,
      { what: 'n3 to be fenced', timeoutMs: FENCED_MS_MAX, intervalMs: 5 });
    server.nodeDied(3);
    timeline.mark('n3 was fenced');
    await n1.until('hold what died with n3', async () => {
      return (await n1.acquire('marked', named('heir'))).status === 200;
    }, FENCED_MS_MAX);
    timeline.mark('n1 was granted what n3 had held');
    await n3.guest.powerOn();
    await n3.guest.booted();
    await scene.lab.rejoin(3);
    await scene.lab.quorate([1, 2, 3]);
    await scene.start([n3]);
    timeline.mark('n3 vouches for its locks again');

    t.not((await n3.status()).bootId, bootId);
    t.regex(await n3.saidOf('marked'), /\(EX, reset-owner\) ended with a reboot of this node/);
    t.notRegex(await n3.journal(), /adopted|LOST|quarantine/);
    t.is(await n3.shown('marked'), undefined);
    t.deepEqual(await n3.listed(), []);
    t.is((await n3.acquire('marked', named('reset-owner'))).status, 409, 'its heir holds it');

    await drainAll(t.context, [1, 2]);
    t.is((await n1.release('marked', named('heir'))).status, 200);
    await Promise.all(scene.nodes.map((node) => nothingLeft(node)));
    for (const one of watches) await one.stop();
    t.deepEqual(witness.violations.slice(before), []);
    for (const node of [n1, n2]) t.notRegex(await node.journal(), /LOST|that no list explains/);
  });
}

let loads = 0;

async function startLoad({ scene, server }: LabContext, seed: number): Promise<void> {
  loads += 1;
  await Promise.all(scene.nodes.map(async ({ guest }) => {
    const program = `${DEPLOY_PATH}/build/test/lab/kills/load.js`;
    const words = [guest.nodeId, seed, server.port, OWNERS_PER_NODE, RESOURCES].map(String);
    await guest.start(`load-${loads}`, ['/usr/bin/env', 'node', program, ...words]);
  }));
  await waitUntil(() => server.nodes.length === 3,
    { what: 'the owners of all nodes', timeoutMs: 120_000 });
}

function watch(node: SceneNode, { witness }: WitnessServer): KernelWatch {
  const { nodeId, sshWords } = node.guest;
  return new KernelWatch(nodeId, new TableReader(sshWords), witness, LOOK_PAUSE_MS);
}

async function drainAll({ server }: LabContext, nodes: readonly number[]): Promise<Tally[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const fail = (): void => reject(new Error(`owners did not let go: ${server.nodes.join()}`));
    timer = setTimeout(fail, DRAIN_MS_MAX);
  });
  try {
    return await Promise.race([late, Promise.all(nodes.map((node) => server.drain(node)))]);
  } finally {
    clearTimeout(timer);
  }
}

function describeRun(
  kills: readonly Kill[], tallies: readonly Tally[], watches: readonly KernelWatch[],
  { witness }: WitnessServer,
): string[] {
  const of = (victim: string): number => kills.filter((kill) => kill.victim === victim).length;
  const total: Record<string, number> = {};
  for (const tally of tallies) {
    for (const [what, count] of Object.entries(tally)) total[what] = (total[what] ?? 0) + count;
  }
  const sum = (pick: (watch: KernelWatch) => number): number =>
    watches.reduce((all, one) => all + pick(one), 0);
  return [
    `kills: daemon ${of('daemon')}, child ${of('child')}, both ${of('both')}; ` +
      `${kills.filter(({ settled }) => !settled).length} of them while the node was coming back`,
    `holdings: ${witness.begun.EX} exclusive, ${witness.begun.PR} shared; ` +
      `${witness.generationsSeen} generations seen`,
    `kernel tables: read ${sum((one) => one.counts.samples)} times, ` +
      `${sum((one) => one.counts.holders)} holders found in them, ` +
      `${sum((one) => one.counts.mastered)} resources checked by their master`,
    `owners: ${JSON.stringify(total)}`,
    `violations: ${witness.violations.length}`,
  ];
}
