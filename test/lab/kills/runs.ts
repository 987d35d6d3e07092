import type { TestFn } from 'ava';

import { chooseSeed } from '../../support/property-seed.js';
import type { LabContext } from '../lab-context.js';
import { nothingLeft } from '../reconcile/rows.js';
import { Budget, killAtRandom, type Kill } from './killer.js';
import {
  describeLoad, drainAll, OWNERS_PER_NODE, RESOURCES, startLoad, watchKernel,
} from './load-run.js';
import { randomNumbers } from './random.js';

const KILLS = Number(process.env['HOLDFAST_KILLS'] ?? 9);

/**
 * Daemons and children die at random moments while many owners on three nodes take and hold locks.
 * Judged by what shares no code with the product: a witness on the host that holders tell when they
 * begin and end, and the kernel's tables. `HOLDFAST_KILLS` says how many kills, `HOLDFAST_SEED`
 * which.
 */
export function addKills(test: TestFn<LabContext>): void {
  test.serial(`${KILLS} random kills under load: nothing overlaps, is lost or leaks`, async (t) => {
    t.timeout(300_000 + KILLS * 60_000);
    const { scene, server, timeline } = t.context;
    const { witness } = server;
    const seed = chooseSeed(t);
    await startLoad(t.context, scene.nodes, seed);
    timeline.mark(`${3 * OWNERS_PER_NODE} owners at work on ${RESOURCES} resources, seed ${seed}`);
    const restartsBefore = await Promise.all(scene.nodes.map((node) => node.restarts()));
    await Promise.all(scene.nodes.map((node) => node.forgetJournal()));
    const watches = scene.nodes.map((node) => watchKernel(node, server));
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
    const tallies = await drainAll(t.context);
    timeline.mark('all owners have let go');
    await Promise.all(scene.nodes.map((node) => nothingLeft(node)));
    for (const one of watches) await one.stop();
    timeline.mark(describeKills(kills));
    for (const text of describeLoad(tallies, watches, server)) timeline.mark(text);
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
}

function describeKills(kills: readonly Kill[]): string {
  const of = (victim: string): number => kills.filter((kill) => kill.victim === victim).length;
  return `kills: daemon ${of('daemon')}, child ${of('child')}, both ${of('both')}; ` +
    `${kills.filter(({ settled }) => !settled).length} of them while the node was coming back`;
}
