import { fileURLToPath } from 'node:url';

import { GROWTH_KIB_MAX, memoryRows } from '../memory.mjs';
import { row } from '../result.mjs';
import { Twin } from '../twin.mjs';

const LOOP = fileURLToPath(new URL('soak-loop.mjs', import.meta.url));
/** So many that the swing of resident memory between two collections can be told from a leak. */
const COALESCED = 70_000_000;
const CHUNKED = 20_000;
/** Payloads live outside the heap and wait for a collection: some 20 MB come and go. */
const GROWTH = { ...GROWTH_KIB_MAX, resident: 16_384 };

/** Small messages that share multicasts and large ones in chunks: memory stays flat. */
export async function benchChannelSoak({ cluster, say }) {
  const twin = new Twin(cluster.node(1), 'channel', process.execPath, ['--expose-gc', LOOP]);
  try {
    await twin.ready();
    const rows = [];
    for (const [what, count] of [['coalesced', COALESCED], ['chunked', CHUNKED]]) {
      say(`soak: ${count} ${what}`);
      const { points } = await twin.ask(`${what} ${count}`, { timeoutMs: 220_000 });
      rows.push(...memoryRows(`${what} messages of a channel`, points, say, GROWTH));
    }
    const { callbacks, polls } = await twin.ask('rest');
    rows.push(row('channel: callbacks left', callbacks, { atMost: 0 }, 'koffi.stats()', 'left'));
    rows.push(row('channel: poll handles left', polls, { atMost: 0 }, 'opened less closed', 'left'));
    return rows;
  } finally {
    await twin.end();
  }
}
