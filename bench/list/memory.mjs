import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { machineOf } from '../dlm/sides.mjs';
import { buildDlmTwins } from '../dlm/twins.mjs';
import { row } from '../result.mjs';
import { Twin } from '../twin.mjs';

const COUNTS = [1_000, 10_000, 100_000];
const KIB_MAX = 2;

/** What a held lock costs the daemon: the heap after a collection, and resident memory. */
export async function benchMemory({ folder, say }) {
  const { stubFolder } = buildDlmTwins();
  const directory = join(folder, 'memory');
  mkdirSync(directory);
  const holder = new Twin(machineOf(), 'the holder', 'env', [
    `LD_LIBRARY_PATH=${stubFolder}`, process.execPath, '--expose-gc',
    join(import.meta.dirname, 'holder.mjs'), directory,
  ]);
  try {
    const empty = await holder.ready().then(() => holder.ask('0'));
    const rows = [];
    for (const count of COUNTS) {
      const full = await holder.ask(String(count), { timeoutMs: 120_000 });
      say(JSON.stringify({ empty, full }));
      const kib = (name) => (full[name] - empty[name]) / count / 1_024;
      const detail = `KiB a lock: heap ${kib('heap').toFixed(2)}, resident ${kib('rss').toFixed(2)}, `
        + `child resident ${kib('childRss').toFixed(2)}`;
      rows.push(row(`memory of ${count} held locks, heap`, kib('heap'), { atMost: KIB_MAX }, detail, 'KiB'));
    }
    return rows;
  } finally {
    await holder.end();
  }
}
