import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import Table from 'cli-table3';

import { machineOf } from '../dlm/sides.mjs';
import { row } from '../result.mjs';
import { Twin } from '../twin.mjs';

/** The last with the one more that is taken beside them is what a node may hold. */
const COUNTS = [1_000, 10_000, 99_999];
/** A machine with other work makes a lock's time on the clock many times as long. */
const COUNT_MS_MAX = 180_000;
/** A hundred times the locks may cost so much more each: caches, a heap that grows. */
const GROWTH_MAX = 3;

/**
 * The same work with more and more locks, over the embedded lock manager: what each lock costs
 * must not grow with their number, but for the noise of a larger heap. It is judged by processor
 * time, since many of these operations wait for timers; the clock is shown beside it.
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
      results.push({ count, ...await grower.ask('', { timeoutMs: COUNT_MS_MAX }) });
    } finally {
      await grower.end();
    }
    say(JSON.stringify(results.at(-1)));
  }
  say(growthTable('cpu', results));
  say(growthTable('clock', results));
  const [first, last] = [results[0], results.at(-1)];
  return Object.keys(first.cpu).map((what) => row(
    `growth of ${what}, a lock`, last.cpu[what] / first.cpu[what], { atMost: GROWTH_MAX },
    `us of CPU a lock: ${first.cpu[what].toFixed(2)} with ${first.count}, ${last.cpu[what].toFixed(2)} with ${last.count}`,
    'x',
  ));
}

function growthTable(kind, results) {
  const whats = Object.keys(results[0][kind]);
  const table = new Table({ head: [`us a lock, ${kind}`, ...whats], style: { head: [], border: [] } });
  for (const { count, [kind]: us } of results) {
    table.push([`${count} locks`, ...whats.map((what) => us[what].toFixed(2))]);
  }
  return table.toString();
}
