// The process that bench/channel/soak.mjs watches. It runs with --expose-gc and obeys:
//
//   coalesced COUNT    sends COUNT messages of 64 B, many to a multicast
//   chunked COUNT      sends COUNT messages of 300 to 700 KiB, each in several chunks
//   rest               leaves, and counts what is still registered with koffi
import { setTimeout as delay } from 'node:timers/promises';

import koffi from 'koffi';

import { openChannel } from '../../build/src/cpg/index.js';
import { openPolls } from '../../build/src/native/poll.js';
import { obeyCommands } from '../command-loop.mjs';
import { sampleMemory } from '../memory.mjs';

const SAMPLES = 40;
const SMALL_BYTES = 64;
const LARGE_BYTES = { min: 300 << 10, max: 700 << 10 };

const channel = openChannel();
let delivered = 0;
channel.on('message', () => (delivered += 1));
for (const event of ['disconnected', 'rejected', 'gap', 'undelivered', 'foreign']) {
  channel.on(event, (...facts) => {
    throw new Error(`${event}: ${JSON.stringify(facts)}`);
  });
}
await channel.join('bench-channel-soak');
await obeyCommands({
  coalesced: (count) => soak(count, () => SMALL_BYTES),
  chunked: (count) => soak(count, (number) =>
    LARGE_BYTES.min + ((number * 7_919) % (LARGE_BYTES.max - LARGE_BYTES.min))),
  rest,
});

async function soak(count, bytesOf) {
  const payload = new Uint8Array(LARGE_BYTES.max);
  const points = [];
  const first = delivered;
  const perSample = Math.floor(count / SAMPLES);
  for (let part = 0; part < SAMPLES; part += 1) {
    for (let number = 0; number < perSample; number += 1) {
      const message = payload.subarray(0, bytesOf(number));
      while (!channel.trySend(message)) await channel.ready();
    }
    await channel.flush();
    points.push({ at: delivered - first, ...sampleMemory() });
  }
  if (delivered - first !== perSample * SAMPLES) throw new Error('messages are missing');
  return { points };
}

async function rest() {
  channel.removeAllListeners();
  await channel.leave();
  await delay(100);
  return { callbacks: koffi.stats().callbacks, polls: openPolls() };
}
