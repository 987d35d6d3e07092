import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { usageOf, usedBetween } from '../dlm/usage.mjs';
import { machineOf } from '../dlm/sides.mjs';
import { buildDlmTwins } from '../dlm/twins.mjs';
import { row } from '../result.mjs';
import { median } from '../statistics.mjs';
import { Twin } from '../twin.mjs';

const CLIENTS = [1, 16, 128];
/**
 * How late the stub's DLM answers, and how far apart its answers are at least: at once; as one
 * across a network; and a model of what a C loop had from the kernel DLM of three guests, 1.7 ms a
 * pair by itself and 0.39 ms a pair with 128 in flight, each pair three answers: NL, convert, unlock.
 */
const DLMS = [
  { name: '0 ms', latencyUs: 0, serviceUs: 0 },
  { name: '0.5 ms', latencyUs: 500, serviceUs: 0 },
  { name: 'model of a real one', latencyUs: 567, serviceUs: 130 },
];
const RATIO_MAX = 1.3;
/** Code that ran ten thousand times is compiled; a daemon that runs for days is there at once. */
const WARM = '16 3000';

/**
 * Acquire and release through the control API against what they cost at least: a write to the
 * list and a lock operation through the child for each. Interleaved rounds, the median of the
 * ratios. Shared locks: an exclusive one waits for two more round trips of the group, which are
 * timers of the embedded bus here and say nothing of corosync. `HTTP alone` is the same server with
 * nothing behind it, for what of the difference no coordinator can save.
 */
export async function benchApi({ folder, rounds, say }) {
  const rows = [];
  for (const dlm of DLMS) rows.push(...(await benchAt(dlm, { folder, rounds, say })));
  return rows;
}

async function benchAt(dlm, { folder, rounds, say }) {
  const sides = {};
  try {
    await startSides(dlm, folder, sides);
    for (const side of [sides.clients, sides.echoClients]) await side.ask(WARM);
    await sides.raw.ask(WARM);
    await sides.clients.ask(WARM);
    const rows = [];
    for (const count of CLIENTS) {
      const result = await measure(sides, count, rounds);
      say(JSON.stringify({ dlm: dlm.name, clients: count, ...result }));
      rows.push(rowOf(dlm, count, result));
    }
    return rows;
  } finally {
    for (const side of Object.values(sides)) await side.end();
  }
}

/** Each is in `sides` as soon as there is something to end. */
async function startSides({ latencyUs, serviceUs }, folder, sides) {
  const { stubFolder } = buildDlmTwins();
  const env = [
    `LD_LIBRARY_PATH=${stubFolder}`, `HOLDFAST_STUB_LATENCY_US=${latencyUs}`,
    `HOLDFAST_STUB_SERVICE_US=${serviceUs}`,
  ];
  const start = (side, program, ...args) => {
    sides[side] = new Twin(machineOf(), side, 'env', [
      ...env, process.execPath, join(import.meta.dirname, program), ...args,
    ]);
    return sides[side].ready();
  };
  const [daemon, raw] = ['daemon', 'raw'].map((name) => {
    const directory = join(folder, `${name}-${latencyUs}`);
    mkdirSync(directory);
    return directory;
  });
  await start('daemon', 'daemon.mjs', daemon);
  await start('raw', 'raw.mjs', raw);
  await start('echo', 'echo.mjs', raw);
  await start('clients', 'clients.mjs', join(daemon, 'control.sock'));
  await start('echoClients', 'clients.mjs', join(raw, 'echo.sock'));
}

async function measure({ daemon, raw, clients, echoClients }, count, rounds) {
  const command = `${count} 1000`;
  const results = [];
  for (const side of [raw, clients, echoClients]) await side.ask(command);
  for (let round = 0; round < rounds; round += 1) {
    const least = await raw.ask(command);
    const echo = await echoClients.ask(command);
    const before = usageOf({ daemon: daemon.pid });
    const api = await clients.ask(command);
    const { daemon: { userUs, kernelUs } } = usedBetween(before, usageOf({ daemon: daemon.pid }), api.pairs);
    results.push({
      ...api, daemonUs: userUs + kernelUs, raw: least.pairsPerSecond, echo: echo.pairsPerSecond,
      ratio: least.pairsPerSecond / api.pairsPerSecond,
      floor: 1 + least.pairsPerSecond / echo.pairsPerSecond,
    });
  }
  const middle = (name) => median(results.map((result) => result[name]));
  return {
    ratio: middle('ratio'), floor: middle('floor'), api: middle('pairsPerSecond'),
    raw: middle('raw'), echo: middle('echo'), p50Ms: middle('p50Ms'), p99Ms: middle('p99Ms'),
    daemonUs: middle('daemonUs'),
  };
}

function rowOf({ name }, count, { ratio, floor, api, raw, echo, p50Ms, p99Ms, daemonUs }) {
  const detail = `pairs/s: API ${Math.round(api)}, raw ${Math.round(raw)}, HTTP alone ${Math.round(echo)} `
    + `(and raw after it: ${floor.toFixed(2)} x raw); API pair p50 ${p50Ms.toFixed(2)} ms, `
    + `p99 ${p99Ms.toFixed(2)} ms; daemon ${Math.round(daemonUs)} us a pair`;
  return row(`DLM ${name}, ${count} clients`, ratio, { atMost: RATIO_MAX }, detail, 'x raw');
}
