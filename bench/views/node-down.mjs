import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { CoordinatorCluster } from '../../build/test/real/support/coordinator-cluster.js';
import { row } from '../result.mjs';
import { percentile } from './percentile.mjs';

const WITNESS = fileURLToPath(new URL('witness.mjs', import.meta.url));
const TOKEN_MS = 300;
const TARGET_MS = 20;
const PATIENCE_MS = 20_000;
const SURVIVORS = [1, 2];

/**
 * From the first confchg that any process of a surviving node gets from libcpg to the node-down
 * that the last of the survivors' control sockets tells: three daemons on three real corosyncs in
 * network namespaces, one of which is killed and started again, time after time.
 */
export async function benchNodeDown({ rounds, say }) {
  const cluster = await CoordinatorCluster.up(TOKEN_MS);
  try {
    const witnesses = SURVIVORS.map((id) => watchFrom(cluster, id));
    await Promise.all(witnesses.map((one) => one.ready));
    const took = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const one of witnesses) one.forget();
      await cluster.corosync.node(3).kill();
      await until(() => witnesses.every((one) => one.confchgMs !== null && one.toldMs !== null));
      const first = Math.min(...witnesses.map(({ confchgMs }) => confchgMs));
      took.push(Math.max(...witnesses.map(({ toldMs }) => toldMs)) - first);
      cluster.corosync.node(3).start();
      await cluster.untilReady();
      if (round % 10 === 9) say(`node-down: ${round + 1} of ${rounds}`);
    }
    return [row('confchg to node-down told on every node, p99', percentile(took, 0.99),
      { atMost: TARGET_MS },
      `median ${percentile(took, 0.5).toFixed(2)} ms, worst ${Math.max(...took).toFixed(2)} ms ` +
        `of ${rounds}`, 'ms')];
  } finally {
    await cluster.down();
  }
}

function watchFrom(cluster, id) {
  const child = cluster.corosync.node(id).spawn(process.execPath, [
    WITNESS, cluster.socketPath(id), 'n3', '3',
  ], { stdio: ['ignore', 'pipe', 'inherit'], env: process.env });
  const witness = {
    confchgMs: null, toldMs: null,
    forget() {
      witness.confchgMs = null;
      witness.toldMs = null;
    },
  };
  witness.ready = new Promise((resolve) => {
    let rest = '';
    child.process.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const [what, at] = line.split(' ');
        if (what === 'ready') resolve();
        else if (what === 'confchg') witness.confchgMs ??= Number(at);
        else witness.toldMs ??= Number(at);
      }
    });
  });
  return witness;
}

async function until(holds) {
  const endMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`waited ${PATIENCE_MS} ms in vain: ${holds}`);
    await delay(5);
  }
}
