// `node bench/list/run.mjs [api start memory growth --rounds=N]`: what the coordinator and its list
// cost over the lock operations themselves: beside the stub of libdlm, on one machine. Needs gcc
// and libdlm-dev, and a build. Four minutes.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { machineFacts } from '../machine.mjs';
import { tableOf } from '../result.mjs';
import { benchApi } from './api.mjs';
import { benchGrowth } from './growth.mjs';
import { benchMemory } from './memory.mjs';
import { benchStart } from './start.mjs';

const BENCHES = { api: benchApi, start: benchStart, memory: benchMemory, growth: benchGrowth };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, directory: { type: 'string', default: '/var/tmp' } },
});
const chosen = positionals.length === 0 ? Object.keys(BENCHES) : positionals;

say(machineFacts().join('\n'));
const folder = mkdtempSync(join(values.directory, 'holdfast-bench-'));
try {
  const rows = [];
  for (const name of chosen) {
    if (BENCHES[name] === undefined) throw new Error(`there is no bench ${name}`);
    rows.push(...(await BENCHES[name]({ folder, rounds: Number(values.rounds), say })));
  }
  process.stdout.write(`${tableOf(rows)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
