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
const GROWTH_KIB_MAX = { resident: 4_096, held: 256 };

/** A million messages and a thousand reconnections: memory stays flat and nothing is left over. */
export async function benchSoak({ cluster, say }) {
  const twin = new Twin(cluster.node(1), 'soak', process.execPath, ['--expose-gc', LOOP]);
  try {
    await twin.ready();
    const rows = [];
    for (const [what, count] of [['messages', MESSAGES], ['reconnect', RECONNECTIONS]]) {
      say(`soak: ${count} ${what}`);
      const { points } = await twin.ask(`${what} ${count}`, { timeoutMs: 600_000 });
      for (const of of ['resident', 'held']) {
        say(`soak: ${of} KiB ${points.map((point) => point[of].toFixed(0)).join(' ')}`);
        rows.push(memoryRow(what, of, points.slice(WARM)));
      }
    }
    const { callbacks, polls } = await twin.ask('rest 0');
    rows.push(row('callbacks left', callbacks, { atMost: 0 }, 'koffi.stats()', 'left'));
    rows.push(row('poll handles left', polls, { atMost: 0 }, 'opened less closed', 'left'));
    return rows;
  } finally {
    await twin.end();
  }
}

function memoryRow(what, of, points) {
  const [first, last] = [points[0], points.at(-1)];
  const perUnit = slope(points.map((point) => [point.at, point[of]]));
  const span = last.at - first.at;
  const detail =
    `${(perUnit * 1024).toFixed(2)} bytes each; ${first[of].toFixed(0)} KiB, then ` +
    `${last[of].toFixed(0)} KiB`;
  return row(`memory ${of}, slope over ${span} ${what}`, perUnit * span,
    { atMost: GROWTH_KIB_MAX[of] }, detail, 'KiB');
}
