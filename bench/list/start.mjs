import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { row } from '../result.mjs';
import { median } from '../statistics.mjs';
import { buildDlmTwins } from '../dlm/twins.mjs';
import { machineOf } from '../dlm/sides.mjs';
import { Twin } from '../twin.mjs';

const LOCKS = 10_000;
const RATIO_MAX = 3;

/**
 * A start with 10,000 held locks: from the opened list to the last adoption, against the same
 * adoptions asked of the child directly. Each start is a process of its own, as it is in reality.
 */
export async function benchStart({ folder, rounds, say }) {
  const { stubFolder } = buildDlmTwins();
  const directory = join(folder, 'start');
  mkdirSync(directory);
  const run = async (mode) => {
    const twin = new Twin(machineOf(), `start ${mode}`, 'env', [
      `LD_LIBRARY_PATH=${stubFolder}`, process.execPath, join(import.meta.dirname, 'starter.mjs'),
      directory, mode, String(LOCKS),
    ]);
    try {
      return await twin.ask('');
    } finally {
      await twin.end();
    }
  };
  await run('write');
  const results = [];
  for (let round = 0; round < rounds; round += 1) {
    const raw = await run('raw');
    const start = await run('start');
    say(JSON.stringify({ raw, start }));
    results.push({ raw: raw.ms, start: start.adoptionMs, whole: start.wholeMs, ratio: start.adoptionMs / raw.ms });
  }
  const middle = (name) => median(results.map((result) => result[name]));
  const detail = `ms: adoption ${middle('start').toFixed(0)}, raw ${middle('raw').toFixed(0)}; `
    + `from the start to ok ${middle('whole').toFixed(0)}, the child's start included`;
  return [row(`start with ${LOCKS} held locks`, middle('ratio'), { atMost: RATIO_MAX }, detail, 'x raw')];
}
