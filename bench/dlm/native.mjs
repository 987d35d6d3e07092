// `node bench/dlm/native.mjs [--rounds=N --ms=N]`: the way from the public API to libdlm and back,
// without a kernel DLM and without emulation: both sides over bench/c/stub-libdlm.c, which grants
// at once. Every name is mastered here, so these are the `local` targets. Needs gcc and libdlm-dev,
// and a build.
import { parseArgs } from 'node:util';

import { machineFacts } from '../machine.mjs';
import { tableOf } from '../result.mjs';
import { CASES, compare } from './rounds.mjs';
import { machineOf, Sides } from './sides.mjs';
import { buildDlmTwins } from './twins.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, ms: { type: 'string', default: '1000' } },
});

say(machineFacts().join('\n'));
const { loop, stubFolder } = buildDlmTwins();
const path = `LD_LIBRARY_PATH=${stubFolder}`;
const folder = import.meta.dirname;
const sides = new Sides(machineOf(), {
  ours: [
    path, process.execPath, `${folder}/loop.mjs`, 'stub', process.execPath,
    `${folder}/stub-child.mjs`,
  ],
  loop: `${path} ${loop} stub`,
});
try {
  await sides.ready();
  const rows = await compare(sides, {
    title: 'stub',
    cases: CASES.filter(({ kind }) => kind === 'local'),
    rounds: Number(values.rounds),
    durationMs: Number(values.ms),
    warmPairs: 100_000,
    say,
  });
  process.stdout.write(`${tableOf(rows)}\n`);
} finally {
  await sides.end();
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
