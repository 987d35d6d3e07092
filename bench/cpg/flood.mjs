import { fileURLToPath } from 'node:url';

import { row } from '../result.mjs';
import { median } from '../statistics.mjs';
import { Twin } from '../twin.mjs';
import { buildTwin } from '../twins.mjs';

const OWN = fileURLToPath(new URL('own-loop.mjs', import.meta.url));
const FLOOD_MS = 5_000;
const SIZES = [64, 1024];
const HELD_MS_MAX = 10;

/**
 * A C program on another node floods the group; ours only listens. Measured is how long each turn
 * of the event loop that delivered something lasted. Twice a second the listener sleeps on the
 * loop for 100 ms, so that the next turn meets a backlog.
 */
export async function benchFlood({ cluster, rounds, say }) {
  const own = new Twin(cluster.node(1), 'ours', process.execPath, [OWN, 'bench-flood']);
  const c = new Twin(cluster.node(2), 'C', buildTwin('cpg-loop', ['cpg']), ['bench-flood']);
  try {
    await Promise.all([c.ready(), own.ready()]);
    const rows = [];
    for (const bytes of SIZES) {
      const seen = [];
      for (let round = 0; round < Math.max(1, rounds >> 1); round += 1) {
        const [turns] = await Promise.all([
          own.ask(`turns ${bytes} ${FLOOD_MS}`), c.ask(`flow ${bytes} ${FLOOD_MS}`),
        ]);
        seen.push(turns);
        say(`flood: ${bytes} B, round ${round + 1}: ${JSON.stringify(turns)}`);
      }
      const of = (field) => median(seen.map((turns) => turns[field]));
      const detail =
        `p99 without waiting for a CPU ${of('ranP99').toFixed(1)} ms; p50 ${of('p50').toFixed(2)}, ` +
        `max ${of('max').toFixed(1)} ms; ` +
        `${(of('messages') / (FLOOD_MS / 1e3)).toFixed(0)} messages/s in ${of('turns')} turns`;
      rows.push(row(`loop held by a turn, p99, flood of ${bytes} B`, of('p99'),
        { atMost: HELD_MS_MAX }, detail, 'ms'));
    }
    return rows;
  } finally {
    await Promise.all([c.end(), own.end()]);
  }
}
