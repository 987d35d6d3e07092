import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { usageOf, usedBetween } from '../dlm/usage.mjs';
import { machineOf } from '../dlm/sides.mjs';
import { buildDlmTwins } from '../dlm/twins.mjs';
import { row } from '../result.mjs';
import { median } from '../statistics.mjs';
import { Twin } from '../twin.mjs';

const CLIENTS = [1, 16, 128];
/** How late the stub's DLM answers: at once, and as one across a network. */
const LATENCIES_US = [0, 500];
const RATIO_MAX = 1.3;

/**
 * Acquire and release through the control API against what they cost at least: a write to the
 * list and a lock operation through the child for each. Interleaved rounds, the median of the
 * ratios. Shared locks: an exclusive one waits for two more round trips of the group, which are
 * timers of the embedded bus here and say nothing of corosync.
 */
export async function benchApi({ folder, rounds, say }) {
  const rows = [];
  for (const latencyUs of LATENCIES_US) {
    rows.push(...(await benchAt(latencyUs, { folder, rounds, say })));
  }
  return rows;
}

async function benchAt(latencyUs, { folder, rounds, say }) {
  const { stubFolder } = buildDlmTwins();
  const env = [`LD_LIBRARY_PATH=${stubFolder}`, `HOLDFAST_STUB_LATENCY_US=${latencyUs}`];
  const program = (name) => [process.execPath, join(import.meta.dirname, name)];
  const [daemonDirectory, rawDirectory] = ['daemon', 'raw'].map((name) => {
    const directory = join(folder, `${name}-${latencyUs}`);
    mkdirSync(directory);
    return directory;
  });
  const machine = machineOf();
  const daemon = new Twin(machine, 'the daemon', 'env', [...env, ...program('daemon.mjs'), daemonDirectory]);
  const raw = new Twin(machine, 'the raw loop', 'env', [...env, ...program('raw.mjs'), rawDirectory]);
  const sides = [daemon, raw];
  try {
    await daemon.ready();
    await raw.ready();
    const clients = new Twin(machine, 'the clients', 'env', [...program('clients.mjs'), join(daemonDirectory, 'control.sock')]);
    sides.push(clients);
    await clients.ready();
    const rows = [];
    for (const count of CLIENTS) {
      const result = await measure({ daemon, raw, clients }, count, rounds);
      say(JSON.stringify({ latencyUs, clients: count, ...result }));
      rows.push(rowOf(latencyUs, count, result));
    }
    return rows;
  } finally {
    for (const side of sides) await side.end();
  }
}

async function measure({ daemon, raw, clients }, count, rounds) {
  const command = `${count} 1000`;
  const results = [];
  // Compiled code and caches first: no round.
  for (let warm = 0; warm < 2; warm += 1) {
    await raw.ask(command);
    await clients.ask(command);
  }
  for (let round = 0; round < rounds; round += 1) {
    const least = await raw.ask(command);
    const before = usageOf({ daemon: daemon.pid });
    const api = await clients.ask(command);
    const { daemon: { userUs, kernelUs } } = usedBetween(before, usageOf({ daemon: daemon.pid }), api.pairs);
    results.push({ ...api, daemonUs: userUs + kernelUs, raw: least.pairsPerSecond, ratio: least.pairsPerSecond / api.pairsPerSecond });
  }
  const middle = (name) => median(results.map((result) => result[name]));
  return {
    ratio: middle('ratio'), api: middle('pairsPerSecond'), raw: middle('raw'),
    p50Ms: middle('p50Ms'), p99Ms: middle('p99Ms'), daemonUs: middle('daemonUs'),
  };
}

function rowOf(latencyUs, count, { ratio, api, raw, p50Ms, p99Ms, daemonUs }) {
  const detail = `pairs/s: API ${Math.round(api)}, raw ${Math.round(raw)}; API pair p50 `
    + `${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms; daemon ${Math.round(daemonUs)} us a pair`;
  return row(`DLM ${latencyUs / 1_000} ms, ${count} clients`, ratio, { atMost: RATIO_MAX }, detail, 'x raw');
}
