// `npm run bench:lab [-- --rounds=N --ms=N --stub --soak=CYCLES --only-soak]`: the way to the kernel's DLM and
// back through the child, against the C twin in the same guest and the same run, in a lockspace of
// the lab's three nodes (test/lab). Needs what the lab needs, gcc and libdlm-dev, and a build.
// Eight minutes. --stub measures over the stub of libdlm in the guest too: beside the native
// figures it shows what emulation costs either side; --in-process what a Node loop without a child
// does; --soak runs so many lock cycles, watches memory and looks what the kernel has left after.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { startLab } from '../../build/test/lab/cluster.js';
import { DEPLOY_PATH } from '../../build/test/lab/deployment.js';
import { waitUntil } from '../../build/test/lab/host/wait.js';
import { machineFacts } from '../machine.mjs';
import { tableOf } from '../result.mjs';
import { CASES, compare } from './rounds.mjs';
import { machineOf, Sides } from './sides.mjs';
import { buildDlmTwins } from './twins.mjs';

const LOCKSPACE = 'bench';
const BENCH_PATH = `${DEPLOY_PATH}/bench`;
const STUB_PATH = '/opt/holdfast-stub';
/** A hundred thousand cycles take some seven minutes of emulated processors. */
const SOAK_MS_MAX = 1_200_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '2000' },
    stub: { type: 'boolean', default: false },
    'in-process': { type: 'boolean', default: false },
    soak: { type: 'string', default: '0' },
    'only-soak': { type: 'boolean', default: false },
  },
});

say(machineFacts().join('\n'));
const { loop, stubFolder } = buildDlmTwins();
const lab = await startLab({ progress: say });
try {
  await lab.startCluster();
  await lab.deploy();
  await prepare();
  if (!values['only-soak']) await benchAll();
  if (values.soak !== '0') await soak(Number(values.soak));
} finally {
  await lab.stop();
}

async function benchAll() {
  const rows = await bench('lab', LOCKSPACE, ['loop.mjs', LOCKSPACE], CASES);
  const local = CASES.filter(({ kind }) => kind === 'local');
  if (values['in-process']) {
    rows.push(...(await bench('no child', LOCKSPACE, ['in-process.mjs', LOCKSPACE], local)));
  }
  if (values.stub) {
    const words = ['loop.mjs', 'stub', 'node', `${BENCH_PATH}/dlm/stub-child.mjs`];
    rows.push(...(await bench('stub in the guest', 'stub', words, local, STUB_PATH)));
  }
  process.stdout.write(`${tableOf(rows)}\n`);
}

/** The benches go to node 1; all three keep the lockspace open, so that masters are anywhere. */
async function prepare() {
  const node = lab.node(1);
  const folder = join(lab.folder, 'bench');
  mkdirSync(folder);
  cpSync(join(import.meta.dirname, '..'), folder, { recursive: true });
  cpSync(loop, join(folder, 'dlm-loop'));
  await node.put(folder, BENCH_PATH);
  await node.put(stubFolder, STUB_PATH);
  await openOn([1, 2, 3], LOCKSPACE);
}

/** Keeps the lockspace open on these nodes. */
async function openOn(nodes, lockspace) {
  const unit = `${lockspace}-member`;
  const probe = ['node', `${DEPLOY_PATH}/build/test/lab/dlm-probe.js`, lockspace, 'open', 'stay'];
  for (const index of nodes) {
    await lab.node(index).start(unit, probe);
    await waitUntil(async () => (await lab.node(index)
      .attempt(`journalctl -u ${unit} -o cat`)).stdout.includes('"step":"open"'), {
      what: `the lockspace ${lockspace} to be open on node ${index}`, timeoutMs: 90_000,
    });
  }
  say(`lockspace ${lockspace} is open on nodes ${nodes.join(', ')}`);
}

async function bench(title, lockspace, [program, ...args], cases, libraries = '') {
  const path = libraries === '' ? [] : [`LD_LIBRARY_PATH=${libraries}`];
  const sides = new Sides(machineOf(lab.node(1).sshWords), {
    ours: [...path, 'node', `${BENCH_PATH}/dlm/${program}`, ...args],
    loop: [...path, `${BENCH_PATH}/dlm-loop`, lockspace].join(' '),
  });
  try {
    await sides.ready();
    return await compare(sides, {
      title, cases, rounds: Number(values.rounds), durationMs: Number(values.ms), warmPairs: 40_000, say,
    });
  } finally {
    await sides.end();
  }
}

/** Masters are on all three nodes; when node 1 has left, nobody may know a lock of it. */
async function soak(cycles) {
  await openOn([2, 3], 'soak');
  const { stdout } = await lab.node(1).exec(
    `node --expose-gc ${BENCH_PATH}/dlm/soak.mjs soak ${cycles}`, { timeoutMs: SOAK_MS_MAX },
  );
  process.stdout.write(stdout);
  for (const index of [2, 3]) {
    const tables = await lab.node(index).exec('cat /sys/kernel/debug/dlm/soak_locks');
    const left = tables.stdout.trim().split('\n').slice(1);
    process.stdout.write(`${left.length} locks are left on node ${index} ${left.join(' ')}\n`);
  }
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
