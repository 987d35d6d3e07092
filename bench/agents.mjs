// `node bench/agents.mjs [CALLS]`: what a call of the Pacemaker agents costs over a plain shell call,
// against a daemon on the embedded side. The target is 60 ms. Needs a build and curl.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { machineFacts } from './machine.mjs';

const TARGET_MS = 60;
const project = join(import.meta.dirname, '..');
const calls = Number(process.argv[2] ?? '40');
const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));

// In a thread of its own: this one waits for the agents.
const daemon = new Worker(`
  import('${join(project, 'build/src/dev/dev-cluster.js')}').then(async ({ DevCluster }) => {
    const cluster = new DevCluster({ nodes: 1, directory: '${folder}', logLevel: 'error' });
    await cluster.start(1);
    require('node:worker_threads').parentPort.postMessage('ready');
  });`, { eval: true });

try {
  await new Promise((resolve, reject) => {
    daemon.once('message', resolve);
    daemon.once('error', reject);
  });
  process.stdout.write(`${machineFacts().join('\n')}\n${report().join('\n')}\n`);
} finally {
  await daemon.terminate();
  rmSync(folder, { recursive: true, force: true });
}

function report() {
  const shell = median(() => call(['-c', ':']));
  untilOk();
  return [
    row('sh -c :', shell, shell),
    ...['start', 'monitor', 'stop'].map((action) =>
      row(`lock ${action}`, median(() => call([agent('lock'), action])), shell)),
    row('coordinator monitor', median(() => call([agent('coordinator'), 'monitor'])), shell),
  ];
}

/** The embedded cluster takes a moment to form. */
function untilOk() {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (spawn([agent('lock'), 'start']).status === 0) return;
  }
  throw new Error('the daemon does not grant a lock');
}

function agent(name) {
  return join(project, 'pacemaker/ocf', name);
}

function call(words) {
  const beganMs = performance.now();
  const { status, stderr } = spawn(words);
  if (status !== 0) throw new Error(`sh ${words.join(' ')} gave ${status}: ${stderr}`);
  return performance.now() - beganMs;
}

function spawn(words) {
  return spawnSync('sh', words, {
    encoding: 'utf8',
    env: {
      ...process.env,
      OCF_ROOT: '/usr/lib/ocf', HOLDFAST_AGENT_LIB: join(project, 'pacemaker/ocf/lib'),
      HA_RSCTMP: folder, OCF_RA_VERSION_MAJOR: '1', OCF_RESOURCE_INSTANCE: 'bench',
      OCF_RESKEY_resource: 'bench', OCF_RESKEY_socket: join(folder, 'n1.sock'),
      OCF_RESKEY_publish_health: 'false', OCF_RESKEY_CRM_meta_interval: '0',
      OCF_RESKEY_CRM_meta_timeout: '20000',
    },
  });
}

function median(measure) {
  measure();
  const found = Array.from({ length: calls }, measure).sort((one, other) => one - other);
  return found[Math.floor(found.length / 2)];
}

function row(name, ms, shellMs) {
  const over = ms - shellMs;
  const verdict = over <= TARGET_MS ? 'met' : 'MISSED';
  return `${name.padEnd(22)}${ms.toFixed(1).padStart(7)} ms, over the shell ` +
    `${over.toFixed(1).padStart(6)} ms (target ${TARGET_MS} ms: ${verdict})`;
}
