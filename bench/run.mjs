// `npm run bench [-- NAME... --rounds=N]`: measures against C twins beside a real corosync in
// network namespaces and prints medians, ratios and whether the targets are met. Needs root,
// corosync, gcc and the -dev packages, and a build. `npm run bench -- soak` runs the soak.
import { parseArgs } from 'node:util';

import { NetnsCluster } from '../build/test/netns/cluster.js';
import { benchCoalesce } from './channel/coalesce.mjs';
import { benchChannelSoak } from './channel/soak.mjs';
import { benchCopies } from './cpg/copies.mjs';
import { benchCrossings } from './cpg/crossings.mjs';
import { benchFlood } from './cpg/flood.mjs';
import { benchSoak } from './cpg/soak.mjs';
import { benchThroughput } from './cpg/throughput.mjs';
import { benchIdle } from './idle.mjs';
import { machineFacts } from './machine.mjs';
import { tableOf } from './result.mjs';

/** In this order; `nodes` is the size of the ring that it wants. */
const BENCHES = [
  { name: 'throughput', nodes: 1, run: benchThroughput },
  { name: 'crossings', nodes: 1, run: benchCrossings },
  { name: 'copies', nodes: 1, run: benchCopies },
  { name: 'throughput-3', nodes: 3, run: benchThroughput },
  { name: 'coalesce', nodes: 1, run: benchCoalesce },
  { name: 'coalesce-3', nodes: 3, run: benchCoalesce },
  { name: 'flood', nodes: 2, run: benchFlood },
  { name: 'idle', nodes: 1, run: benchIdle },
  { name: 'soak', nodes: 1, run: benchSoak, onlyByName: true },
  { name: 'soak-channel', nodes: 1, run: benchChannelSoak, onlyByName: true },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '9' }, nodes: { type: 'string' } },
});
const chosen = positionals.length === 0
  ? BENCHES.filter(({ onlyByName }) => onlyByName !== true)
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
