import { fileURLToPath } from 'node:url';

import { row } from '../result.mjs';
import { median } from '../statistics.mjs';
import { Twin } from '../twin.mjs';
import { buildTwin } from '../twins.mjs';

const OWN = fileURLToPath(new URL('own-loop.mjs', import.meta.url));

/** Payload sizes in bytes; the last is the largest that corosync sends in one piece. */
export const SIZES = [
  { name: '64 B', bytes: 64, trips: 400, flowRatio: 0.8 },
  { name: '1 KiB', bytes: 1024, trips: 400, flowRatio: 0.9 },
  { name: '64 KiB', bytes: 65_536, trips: 120, flowRatio: 0.95 },
  { name: '1 MB', bytes: 1_047_552, trips: 20, flowRatio: 0.95 },
];
const ROUND_TRIP_RATIO_MAX = 1.15;
const FLOW_MS = 600;
/** Short bursts in turn: where the scheduler puts the processes doubles a round trip, or not. */
const TRIP_BURSTS = 4;

/**
 * Own round trips and the full path, C and ours in turn on one node, the order changing. On a ring
 * of one node the client is the bottleneck, on a larger one corosync is.
 */
export async function benchThroughput({ cluster, rounds, say }) {
  const node = cluster.node(1);
  const c = new Twin(node, 'C', buildTwin('cpg-loop', ['cpg']), ['bench-c']);
  const own = new Twin(node, 'ours', process.execPath, [OWN, 'bench-own']);
  try {
    await Promise.all([c.ready(), own.ready()]);
    const results = new Map();
    for (let round = -1; round < rounds; round += 1) {
      for (const size of SIZES) {
        const commands = [
          ...Array(TRIP_BURSTS).fill(`rtt ${size.bytes} ${size.trips}`),
          `flow ${size.bytes} ${FLOW_MS}`,
        ];
        for (const [index, command] of commands.entries()) {
          const pair = await inTurn((round + index) % 2 === 0 ? [c, own] : [own, c], command);
          // The first round warms both up.
          if (round >= 0) keep(results, command, pair.get(c), pair.get(own));
        }
        const late = await c.ask(`late ${size.bytes} ${FLOW_MS}`);
        if (round >= 0) keep(results, `late ${size.bytes}`, late, null);
      }
      say(`throughput: round ${round + 1} of ${rounds}`);
    }
    const where = `${cluster.nodes.length} node${cluster.nodes.length === 1 ? '' : 's'}`;
    return [
      ...SIZES.map((size) => tripRow(size, where, results)),
      ...SIZES.map((size) => flowRow(size, where, results)),
      ...SIZES.map((size) => lateRow(size, where, results)),
    ];
  } finally {
    await Promise.all([c.end(), own.end()]);
  }
}

async function inTurn(twins, command) {
  const answers = new Map();
  for (const twin of twins) answers.set(twin, await twin.ask(command));
  return answers;
}

function keep(results, command, c, own) {
  const [name, bytes] = command.split(' ');
  const key = `${name} ${bytes}`;
  const list = results.get(key) ?? [];
  list.push({ c, own });
  results.set(key, list);
}

function tripRow({ name, bytes }, where, results) {
  const rounds = results.get(`rtt ${bytes}`);
  const c = median(rounds.map((round) => round.c.p50));
  const own = median(rounds.map((round) => round.own.p50));
  const detail = `ours ${own.toFixed(1)} us, C ${c.toFixed(1)} us`;
  return row(`own round trip, p50, ${name}, ${where}`, own / c, { atMost: ROUND_TRIP_RATIO_MAX }, detail);
}

/** For the record, without a target: C that lets go of payloads as late as a collector does. */
function lateRow({ name, bytes }, where, results) {
  const rate = ({ messages, us }) => (messages / us) * 1e6;
  const c = median(results.get(`late ${bytes}`).map((round) => rate(round.c)));
  const own = median(results.get(`flow ${bytes}`).map((round) => rate(round.own)));
  const warm = median(results.get(`flow ${bytes}`).map((round) => rate(round.c)));
  const detail = `C keeping 32 MiB ${c.toFixed(0)}/s, ${(c / warm).toFixed(2)} x C that frees at once`;
  return row(`receive + send, ${name}, ${where}, C that frees late`, own / c, null, detail);
}

function flowRow({ name, bytes, flowRatio }, where, results) {
  const rounds = results.get(`flow ${bytes}`);
  const rate = ({ messages, us }) => (messages / us) * 1e6;
  const cost = ({ messages, cpuUs }) => cpuUs / messages;
  const each = (of, side) => median(rounds.map((round) => of(round[side])));
  const ratio = each(rate, 'own') / each(rate, 'c');
  const detail =
    `ours ${each(rate, 'own').toFixed(0)}/s at ${each(cost, 'own').toFixed(1)} us of CPU, ` +
    `C ${each(rate, 'c').toFixed(0)}/s at ${each(cost, 'c').toFixed(1)} us`;
  return row(`receive + send, ${name}, ${where}`, ratio, { atLeast: flowRatio }, detail);
}
