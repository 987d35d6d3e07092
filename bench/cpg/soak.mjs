import { fileURLToPath } from 'node:url';

import { memoryRows } from '../memory.mjs';
import { row } from '../result.mjs';
import { Twin } from '../twin.mjs';

const LOOP = fileURLToPath(new URL('soak-loop.mjs', import.meta.url));
/** Long enough to tell a step from a leak. */
const MESSAGES = 5_000_000;
const RECONNECTIONS = 1_000;

/** Millions of messages and a thousand reconnections: memory stays flat, nothing is left over. */
export async function benchSoak({ cluster, say }) {
  const twin = new Twin(cluster.node(1), 'soak', process.execPath, ['--expose-gc', LOOP]);
  try {
    await twin.ready();
    const rows = [];
    for (const [what, count] of [['messages', MESSAGES], ['reconnect', RECONNECTIONS]]) {
      say(`soak: ${count} ${what}`);
      const { points } = await twin.ask(`${what} ${count}`, { timeoutMs: 600_000 });
      rows.push(...memoryRows(what, points, say));
    }
    const { callbacks, polls } = await twin.ask('rest 0');
    rows.push(row('callbacks left', callbacks, { atMost: 0 }, 'koffi.stats()', 'left'));
    rows.push(row('poll handles left', polls, { atMost: 0 }, 'opened less closed', 'left'));
    return rows;
  } finally {
    await twin.end();
  }
}
