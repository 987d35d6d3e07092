// `npm run bench:lab [-- --rounds=N --ms=N --stub]`: the way to the kernel's DLM and back through
// the child, against the C twin in the same guest and the same run, in a lockspace of three nodes
// of the lab (test/lab). Needs what the lab needs, gcc and libdlm-dev, and a build. About eight
// minutes. --stub measures the stub of libdlm in the guest too: what emulation costs either side.
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { startLab } from '../../build/test/lab/cluster.js';
import { DEPLOY_PATH } from '../../build/test/lab/deployment.js';
import { waitUntil } from '../../build/test/lab/host/wait.js';
import { machineFacts } from '../machine.mjs';
import { row, tableOf } from '../result.mjs';
import { Conversation } from './conversation.mjs';
import { CASES, measure } from './rounds.mjs';
import { buildTwins } from './twins.mjs';

const LOCKSPACE = 'bench';
const BENCH_PATH = '/opt/holdfast/bench';
const TWIN_PATH = '/opt/holdfast-twins';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '2000' },
    stub: { type: 'boolean', default: false },
  },
});

say(machineFacts().join('\n'));
const twins = await buildTwins();
const lab = await startLab({ progress: say });
try {
  await lab.startCluster();
  await lab.deploy();
  await prepare();
  const rows = await bench({ title: 'lab', lockspace: LOCKSPACE, environment: '', child: '' });
  if (values.stub) {
    rows.push(...(await bench({
      title: 'stub in the guest',
      lockspace: 'stub',
      environment: `LD_LIBRARY_PATH=${TWIN_PATH} `,
      child: `node ${BENCH_PATH}/dlm/stub-child.mjs`,
    })));
  }
  process.stdout.write(`${tableOf(rows)}\n`);
} finally {
  await lab.stop();
  await twins.remove();
}

/** The benches go to node 1; all three keep the lockspace open, so that masters are anywhere. */
async function prepare() {
  const node = lab.node(1);
  await node.put(join(import.meta.dirname, '..'), BENCH_PATH);
  await node.put(twins.folder, TWIN_PATH);
  const probe = ['node', `${DEPLOY_PATH}/build/test/lab/dlm-probe.js`, LOCKSPACE, 'open', 'stay'];
  for (const index of [1, 2, 3]) {
    await lab.node(index).start('bench-member', probe);
    await waitUntil(async () => (await lab.node(index)
      .attempt('journalctl -u bench-member -o cat')).stdout.includes('"step":"open"'), {
      what: `the lockspace to be open on node ${index}`, timeoutMs: 90_000,
    });
  }
  say('the lockspace has three members');
}

async function bench({ title, lockspace, environment, child }) {
  const [ssh, ...words] = lab.node(1).sshWords;
  const shell = new Conversation(ssh, [...words, 'sh']);
  const loop = new Conversation(ssh, [
    ...words, `${environment}node ${BENCH_PATH}/dlm/loop.mjs ${lockspace} ${child}`,
  ]);
  let names = 0;
  try {
    await loop.ask(null);
    const ours = (kind, inFlight, ms) => loop.ask(`${kind} ${inFlight} ${ms}`);
    const c = (algorithm, kind, inFlight, ms) => {
      names += 1;
      const prefix = kind === 'local' ? 'c-local' : `c${names}`;
      return shell.ask(`${environment}${TWIN_PATH}/dlm-loop ${lockspace} ${algorithm} ${kind} `
        + `${inFlight} ${ms} ${prefix}`);
    };
    const rows = [];
    for (const one of CASES) {
      const result = await measure(one, {
        ours, c, rounds: Number(values.rounds), durationMs: Number(values.ms),
      });
      say(JSON.stringify(result));
      rows.push(rowOf(title, result));
    }
    return rows;
  } finally {
    await loop.end();
    await shell.end();
  }
}

function rowOf(title, { what, ratio, target, c, ours, plain }) {
  const detail = `pairs/s: ours ${Math.round(ours)}, C ${Math.round(c)}, `
    + `C without NL first ${Math.round(plain)}`;
  return row(`${title}: ${what}`, ratio, { atLeast: target }, detail);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
