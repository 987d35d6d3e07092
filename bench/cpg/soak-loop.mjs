// The process that bench/cpg/soak.mjs watches. It runs with --expose-gc and obeys:
//
//   messages COUNT     multicasts COUNT messages of 64 B through one group
//   reconnect COUNT    opens, joins, multicasts and closes, COUNT times
//   rest 0             waits a moment and counts what is still registered with koffi
import { setTimeout as delay } from 'node:timers/promises';

import koffi from 'koffi';

import * as cpg from '../../build/src/cpg/index.js';
import { openPolls } from '../../build/src/native/poll.js';
import { obeyCommands } from '../command-loop.mjs';
import { sampleMemory } from '../memory.mjs';

const SAMPLES = 40;
const IN_FLIGHT = 128;
const PAYLOAD_BYTES = 64;

await obeyCommands({ messages, reconnect, rest });

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
