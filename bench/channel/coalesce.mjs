import { fileURLToPath } from 'node:url';

import { row } from '../result.mjs';
import { median } from '../statistics.mjs';
import { Twin } from '../twin.mjs';
import { buildTwin } from '../twins.mjs';

const OWN = fileURLToPath(new URL('channel-loop.mjs', import.meta.url));
const BYTES = 64;
const FLOW_MS = 600;

/** What ours does; C sends the same messages one by one each time. */
const COMMANDS = [
  { name: 'flow', what: 'coalesced messages', ratioMin: 3 },
  { name: 'awaited', what: 'the same, each awaited by its caller', ratioMin: 3 },
];

/** Small application messages through a channel, against C that sends the same one by one. */
export async function benchCoalesce({ cluster, rounds, say }) {
  const node = cluster.node(1);
  const c = new Twin(node, 'C', buildTwin('cpg-loop', ['cpg']), ['bench-c']);
  const own = new Twin(node, 'ours', process.execPath, [OWN, 'bench-channel']);
  try {
    await Promise.all([c.ready(), own.ready()]);
    const results = new Map(COMMANDS.map(({ name }) => [name, []]));
    // The first round warms both up.
    for (let round = -1; round < rounds; round += 1) {
      for (const { name } of COMMANDS) {
        const answers = new Map();
        for (const twin of round % 2 === 0 ? [c, own] : [own, c]) {
          const command = twin === c ? 'flow' : name;
          answers.set(twin, await twin.ask(`${command} ${BYTES} ${FLOW_MS}`));
        }
        if (round >= 0) results.get(name).push({ c: answers.get(c), own: answers.get(own) });
      }
      say(`coalesce: round ${round + 1} of ${rounds}`);
    }
    return COMMANDS.map((command) =>
      resultOf(command, results.get(command.name), cluster.nodes.length));
  } finally {
    await Promise.all([c.end(), own.end()]);
  }
}

function resultOf({ what, ratioMin }, results, nodes) {
  const rate = ({ messages, us }) => (messages / us) * 1e6;
  const cost = ({ messages, cpuUs }) => cpuUs / messages;
  const each = (of, side) => median(results.map((result) => of(result[side])));
  const ratio = median(results.map(({ c, own }) => rate(own) / rate(c)));
  const detail =
    `ours ${each(rate, 'own').toFixed(0)}/s at ${each(cost, 'own').toFixed(2)} us of CPU, ` +
    `C ${each(rate, 'c').toFixed(0)}/s at ${each(cost, 'c').toFixed(1)} us`;
  const where = `${nodes} node${nodes === 1 ? '' : 's'}`;
  return row(`${what}, 64 B, ${where}`, ratio, { atLeast: ratioMin }, detail);
}
