import { fileURLToPath } from 'node:url';

import { row } from '../result.mjs';
import { slope } from '../statistics.mjs';
import { Twin } from '../twin.mjs';

const LOOP = fileURLToPath(new URL('soak-loop.mjs', import.meta.url));
const MESSAGES = 1_000_000;
const RECONNECTIONS = 1_000;
/** The first half is warming up: the compiler's code and the heap's steady size. */
const WARM = 10;
/** Growth over the whole second half that still counts as flat, in KiB. */
const GROWTH_KIB_MAX = 4_096;

/** A million messages and a thousand reconnections: memory stays flat and nothing is left over. */
export async function benchSoak({ cluster, say }) {
  const twin = new Twin(cluster.node(1), 'soak', process.execPath, ['--expose-gc', LOOP]);
  try {
    await twin.ready();
    const rows = [];
    for (const [what, count] of [['messages', MESSAGES], ['reconnect', RECONNECTIONS]]) {
      say(`soak: ${count} ${what}`);
      const { points } = await twin.ask(`${what} ${count}`, { timeoutMs: 600_000 });
      say(`soak: resident KiB ${points.map(([, kib]) => kib.toFixed(0)).join(' ')}`);
      rows.push(memoryRow(what, points.slice(WARM)));
    }
    const { callbacks, polls } = await twin.ask('rest 0');
    rows.push(row('callbacks left', callbacks, { atMost: 0 }, 'koffi.stats()', 'left'));
    rows.push(row('poll handles left', polls, { atMost: 0 }, 'opened less closed', 'left'));
    return rows;
  } finally {
    await twin.end();
  }
}

function memoryRow(what, points) {
  const [first] = points[0];
  const [last, kib] = points.at(-1);
  const perUnit = slope(points);
  const detail = `${(perUnit * 1024).toFixed(2)} bytes each, ${kib.toFixed(0)} KiB at the end`;
  return row(`resident memory over ${last - first} ${what}`, perUnit * (last - first),
    { atMost: GROWTH_KIB_MAX }, detail, 'KiB');
}
