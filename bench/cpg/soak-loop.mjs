// The process that bench/cpg/soak.mjs watches. It runs with --expose-gc and obeys:
//
//   messages COUNT     multicasts COUNT messages of 64 B through one group
//   reconnect COUNT    opens, joins, multicasts and closes, COUNT times
//   rest 0             waits a moment and counts what is still registered with koffi
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import koffi from 'koffi';

import * as cpg from '../../build/src/cpg/index.js';
import { openPolls } from '../../build/src/native/poll.js';

const SAMPLES = 20;
const IN_FLIGHT = 128;
const PAYLOAD_BYTES = 64;

const COMMANDS = { messages, reconnect, rest };
answer({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const [name, count] = line.split(' ');
  answer(await COMMANDS[name](Number(count)));
}

async function messages(count) {
  const group = await open();
  let delivered = 0;
  group.on('message', () => (delivered += 1));
  const points = [];
  for (let part = 0; part < SAMPLES; part += 1) {
    await multicastMany(group, Math.floor(count / SAMPLES));
    points.push({ at: delivered, ...sampleMemory() });
  }
  await group.close();
  return { done: delivered, points };
}

async function reconnect(count) {
  const points = [];
  for (let index = 1; index <= count; index += 1) {
    const group = await open();
    await group.multicast(new Uint8Array(PAYLOAD_BYTES));
    await group.close();
    if (index % Math.floor(count / SAMPLES) === 0) points.push({ at: index, ...sampleMemory() });
  }
  return { done: count, points };
}

async function rest() {
  await delay(100);
  return { callbacks: koffi.stats().callbacks, polls: openPolls() };
}

async function open() {
  const group = await cpg.openCpg();
  await group.join('bench-soak');
  return group;
}

async function multicastMany(group, count) {
  let left = count;
  const sender = async () => {
    const payload = new Uint8Array(PAYLOAD_BYTES);
    while (left > 0) {
      left -= 1;
      new DataView(payload.buffer).setUint32(0, left);
      await group.multicast(payload);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
}

/** After a collection, in KiB: all that is resident, and what JavaScript holds of it. */
function sampleMemory() {
  globalThis.gc();
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss / 1024, held: (heapUsed + external) / 1024 };
}

function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
