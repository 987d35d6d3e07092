import { parseArgs } from 'node:util';
import { describeOp } from './op.js';
import { NODES_MAX, randomClusterScript } from './random-script.js';
import { runCluster } from './run.js';
import { shrink } from './shrink.js';

/**
 * `npm run simulate -- --seed S --steps N [--nodes N] [--seeds COUNT] [--shrink]`: plays that
 * seed, and those after it. Exits with 1 at the first that goes wrong, with what happened last.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' }, steps: { type: 'string', default: '40' },
    nodes: { type: 'string' }, seeds: { type: 'string', default: '1' },
    shrink: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const steps = Number(values.steps);
const nodes = values.nodes === undefined ? null : Number(values.nodes);
const seeds = Number(values.seeds);
const isSane = [seed, steps, seeds, nodes ?? 1].every((number) => Number.isSafeInteger(number))
  && steps >= 0 && seeds >= 1 && (nodes === null || (nodes >= 1 && nodes <= NODES_MAX));
if (!isSane) {
  process.stderr.write(`--seed, --steps, --seeds and --nodes (1 to ${NODES_MAX}) are numbers\n`);
  process.exit(2);
}
// Stacks are most of what an error costs, and refusals are errors.
Error.stackTraceLimit = 0;
const counts = new Map<string, number>();
const sinceMs = performance.now();
let turns = 0;
for (let each = seed; each < seed + seeds; each += 1) {
  const script = randomClusterScript(each, steps, nodes);
  const outcome = await runCluster(script);
  turns += outcome.turns;
  for (const [name, count] of outcome.counts) counts.set(name, (counts.get(name) ?? 0) + count);
  if (outcome.violations.length === 0) continue;
  const shown = values.shrink ? await shrink(script) : script;
  const again = values.shrink ? await runCluster(shown) : outcome;
  const { ops, ...rest } = shown;
  process.stdout.write([
    ...again.trace, '', `seed ${each} ${JSON.stringify(rest)}`, ...ops.map(describeOp),
    ...(values.shrink ? [JSON.stringify(ops)] : []), ...again.violations, '',
  ].join('\n'));
  process.exitCode = 1;
  break;
}
const words = [...counts].sort().map(([name, count]) => `${count} ${name}`).join(', ');
const seconds = ((performance.now() - sinceMs) / 1_000).toFixed(1);
process.stdout.write(`seed ${seed}, ${seeds} seeds of ${steps} steps: ${turns} turns in ${seconds} s\n`);
process.stdout.write(`${words}\n`);
