import type { ExecutionContext } from 'ava';
import { chooseSeed } from '../../support/property-seed.js';
import { describeOp } from './op.js';
import { randomClusterScript } from './random-script.js';
import { runCluster } from './run.js';

/** HOLDFAST_CLUSTER_SEEDS asks for more than what fits into every run of the tests. */
export const SEEDS = Number(process.env['HOLDFAST_CLUSTER_SEEDS'] ?? 2_000);
/** Seeds of one test: a runner that hears nothing for long takes a test for stuck. */
export const SEEDS_PER_TEST = 25;
export const STEPS = 24;
const TRACE_LINES = 120;
/** Generous: what takes long here is other work of the machine. */
const TIMEOUT_MS = 300_000;

// Stacks are most of what an error costs, and refusals are errors.
Error.stackTraceLimit = 0;

/** Plays the lives of that part from a new seed on; fails with the story of the first wrong. */
export async function playSeeds(t: ExecutionContext, part: number): Promise<void> {
  t.timeout(TIMEOUT_MS);
  const isGiven = process.env['HOLDFAST_SEED'] !== undefined;
  const seed = chooseSeed(t) + (isGiven ? (part - 1) * SEEDS_PER_TEST : 0);
  const counts = new Map<string, number>();
  const sinceMs = performance.now();
  let turns = 0;
  for (let each = seed; each < seed + SEEDS_PER_TEST; each += 1) {
    const script = randomClusterScript(each, STEPS);
    const outcome = await runCluster(script);
    turns += outcome.turns;
    for (const [name, count] of outcome.counts) counts.set(name, (counts.get(name) ?? 0) + count);
    if (outcome.violations.length === 0) continue;
    t.log([
      ...outcome.trace.slice(-TRACE_LINES), ...script.ops.map(describeOp),
      `again: npm run simulate -- --seed ${each} --steps ${STEPS} [--shrink]`,
    ].join('\n'));
    t.deepEqual(outcome.violations, [], `seed ${each}, ${script.nodes} nodes`);
  }
  const words = [...counts].sort().map(([name, count]) => `${count} ${name}`).join(', ');
  const seconds = ((performance.now() - sinceMs) / 1_000).toFixed(1);
  t.log(`${SEEDS_PER_TEST} seeds from ${seed} in ${seconds} s, ${turns} turns: ${words}`);
  t.true(turns > 0);
}
