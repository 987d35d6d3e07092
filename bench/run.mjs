// `npm run bench [-- NAME... --rounds=N]`: measures against C twins beside a real corosync in
// network namespaces and prints medians, ratios and whether the targets are met. Needs root,
// corosync, gcc and the -dev packages, and a build.
import { parseArgs } from 'node:util';

import { NetnsCluster } from '../build/test/netns/cluster.js';
import { benchThroughput } from './cpg/throughput.mjs';
import { machineFacts } from './machine.mjs';
import { tableOf } from './result.mjs';

/** In this order; `nodes` is the size of the ring that it wants. */
const BENCHES = [
  { name: 'throughput', nodes: 1, run: benchThroughput },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '9' }, nodes: { type: 'string' } },
});
const chosen = positionals.length === 0
  ? BENCHES
  : positionals.map((name) => BENCHES.find((bench) => bench.name === name) ?? unknown(name));

say(machineFacts().join('\n'));
const rows = [];
for (const bench of chosen) rows.push(...(await runBench(bench)));
process.stdout.write(`${tableOf(rows)}\n`);

async function runBench({ nodes, run }) {
  const size = values.nodes === undefined ? nodes : Number(values.nodes);
  const cluster = await NetnsCluster.up({ size, tokenMs: 1_000 });
  try {
    return await run({ cluster, rounds: Number(values.rounds), say });
  } finally {
    await cluster.down();
  }
}

function unknown(name) {
  const known = BENCHES.map((bench) => bench.name).join(', ');
  throw new Error(`there is no bench ${name}; there are ${known}`);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
