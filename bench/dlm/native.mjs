// `node bench/dlm/native.mjs [--rounds=N --ms=N --latency-us=N --service-us=N]`: from the public API to
// libdlm and back, without a kernel DLM and without emulation: both sides over
// bench/c/stub-libdlm.c. Without a latency it grants at once, as for names that are mastered here:
// the `local` targets. With one every answer comes so much later, as from a master across a
// network: the `fresh` targets; with a service time too, no two answers come closer together, as a real
// DLM is no faster for being asked more at once. Needs gcc and libdlm-dev, and a build.
import { parseArgs } from 'node:util';

import { machineFacts } from '../machine.mjs';
import { tableOf } from '../result.mjs';
import { CASES, compare } from './rounds.mjs';
import { machineOf, Sides } from './sides.mjs';
import { buildDlmTwins } from './twins.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    ms: { type: 'string', default: '1000' },
    'latency-us': { type: 'string', default: '0' },
    'service-us': { type: 'string', default: '0' },
  },
});
const latencyUs = Number(values['latency-us']);
const serviceUs = Number(values['service-us']);
const kind = latencyUs > 0 ? 'fresh' : 'local';

say(machineFacts().join('\n'));
const { loop, stubFolder } = buildDlmTwins();
const path = [
  `LD_LIBRARY_PATH=${stubFolder}`,
  `HOLDFAST_STUB_LATENCY_US=${latencyUs}`, `HOLDFAST_STUB_SERVICE_US=${serviceUs}`,
];
const folder = import.meta.dirname;
const sides = new Sides(machineOf(), {
  ours: [
    ...path, process.execPath, `${folder}/loop.mjs`, 'stub', process.execPath,
    `${folder}/stub-child.mjs`,
  ],
  loop: `${path.join(' ')} ${loop} stub`,
});
try {
  await sides.ready();
  const rows = await compare(sides, {
    title: `stub, ${latencyUs} us${serviceUs > 0 ? `, ${serviceUs} us apart` : ''}`,
    cases: CASES.filter((one) => one.kind === kind),
    rounds: Number(values.rounds),
    durationMs: Number(values.ms),
    warmPairs: latencyUs > 0 ? 40_000 : 100_000,
    say,
  });
  process.stdout.write(`${tableOf(rows)}\n`);
} finally {
  await sides.end();
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
