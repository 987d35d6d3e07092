import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { systemClock } from '../../build/src/clock.js';
import { Coordinator, openLockList } from '../../build/src/coordinator/index.js';
import { createCluster } from '../../build/src/embedded/index.js';
import { Reactions } from '../../build/src/reactions/index.js';
import { row } from '../result.mjs';
import { percentile } from './percentile.mjs';

const TARGET_MS = 100;
const ROUNDS_MAX = 30;
const PATIENCE_MS = 30_000;

/**
 * From the end of DLM's recovery, in the embedded lock manager on the real clock, to the first
 * instruction of the standby's reaction: a shell that writes down the time. Lists and spool are on
 * this machine's disk.
 */
export async function benchReaction({ rounds, say }) {
  const took = [];
  for (let round = 0; round < Math.min(rounds, ROUNDS_MAX); round += 1) took.push(await once());
  say(`recovery to reaction, ms: ${took.map((ms) => ms.toFixed(0)).join(' ')}`);
  return [row("recovery to the waiter's reaction, p99", percentile(took, 0.99),
    { atMost: TARGET_MS },
    `median ${percentile(took, 0.5).toFixed(1)} ms of ${took.length}, 1 ms resolution`, 'ms')];
}

async function once() {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const nodes = [1, 2, 3].map((id) => ({ id, name: `n${id}` }));
  const cluster = createCluster({ nodes, clock: systemClock, fencingPowersOff: true });
  const daemons = [];
  let reactions = null;
  try {
    for (const { id } of nodes) daemons.push(await start(cluster, id, join(folder, `n${id}`)));
    await until(() => daemons.every((one) => one.status().standing.kind === 'ok'
      && one.nodes().filter(({ state }) => state === 'synced').length === 3));
    const [holder, standby] = daemons;
    await take(holder, 'holder', 0);
    const stamp = join(folder, 'stamp');
    writeFileSync(join(folder, 'react'), `#!/bin/sh\nexec date +%s%N > ${stamp}\n`, { mode: 0o755 });
    reactions = await Reactions.start([{
      on: ['lock-granted'], command: [join(folder, 'react')], resources: null, timeoutMs: 10_000,
      retries: 0, retryDelayMs: 1,
    }], join(folder, 'reactions'), standby, { clock: systemClock, log: () => undefined });
    const granted = take(standby, 'standby', null);
    await delay(500);
    cluster.powerOff(1);
    holder.abandon();
    const stateOf = () => cluster.engine.stateOf(2, 'holdfast').kind;
    await until(() => stateOf() === 'waiting');
    await until(() => stateOf() === 'running');
    const recoveredMs = Date.now();
    await granted;
    await until(() => readStamp(stamp) !== null);
    return Math.max(0, readStamp(stamp) - recoveredMs);
  } finally {
    await reactions?.close();
    for (const daemon of daemons) daemon.abandon();
    await delay(50);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function start(cluster, id, directory) {
  const node = cluster.node(id);
  const process = node.startProcess();
  const { clock, openGroup, openQuorum, processWatch } = process;
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  return Coordinator.start({
    nodeName: node.name, incarnation: String(id).padStart(32, '0'), bootId: node.bootId,
    lockspace: 'holdfast', group: 'holdfast', softwareVersion: '0.0.0', unsafeNoFencing: false,
  }, {
    openGroup, openQuorum, processWatch, clock, lockManager: process.lockManager(),
    openList: () => openLockList({
      directory, bootId: node.bootId, lockspace: 'holdfast', clock, log,
    }),
    log: () => undefined,
  });
}

async function take(daemon, name, waitMs) {
  const { signal } = new AbortController();
  const owner = { kind: 'named', name };
  await daemon.acquire({ resource: 'disk', mode: 'EX', owner, waitMs, signal });
}

function readStamp(path) {
  try {
    const text = readFileSync(path, 'utf8');
    return text.endsWith('\n') ? Number(text) / 1e6 : null;
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

async function until(holds) {
  const endMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`waited ${PATIENCE_MS} ms in vain: ${holds}`);
    await delay(1);
  }
}
