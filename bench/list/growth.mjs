import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import Table from 'cli-table3';

import { machineOf } from '../dlm/sides.mjs';
import { row } from '../result.mjs';
import { Twin } from '../twin.mjs';

const COUNTS = [1_000, 3_000, 10_000, 30_000, 100_000];
/** A hundred times the locks may cost so much more each: caches, a heap that grows. */
const GROWTH_MAX = 3;

/**
 * The same work with more and more locks, over the embedded lock manager: what each lock costs
 * must not grow with their number, but for the noise of a larger heap.
 */
export async function benchGrowth({ folder, say }) {
  const results = [];
  for (const count of COUNTS) {
    const directory = join(folder, `growth-${count}`);
    mkdirSync(directory);
    const grower = new Twin(machineOf(), `${count} locks`, process.execPath, [
      '--expose-gc', join(import.meta.dirname, 'grower.mjs'), directory, String(count),
    ]);
    try {
      results.push({ count, us: await grower.ask('', { timeoutMs: 300_000 }) });
    } finally {
      await grower.end();
    }
    say(JSON.stringify(results.at(-1)));
  }
  say(growthTable(results));
  const [first, last] = [results[0], results.at(-1)];
  return Object.keys(first.us).map((what) => row(
    `growth of ${what}, a lock`, last.us[what] / first.us[what], { atMost: GROWTH_MAX },
    `us a lock: ${first.us[what].toFixed(2)} with ${first.count}, ${last.us[what].toFixed(2)} with ${last.count}`,
    'x',
  ));
}

function growthTable(results) {
  const whats = Object.keys(results[0].us);
  const table = new Table({ head: ['us a lock', ...whats], style: { head: [], border: [] } });
  for (const { count, us } of results) {
    table.push([`${count} locks`, ...whats.map((what) => us[what].toFixed(2))]);
  }
  return table.toString();
}
