// Our side of the channel bench: as bench/c/cpg-loop.c, but each message is one of the
// application's, sent through a channel and handed to a listener one by one.
//
//   flow BYTES MS      sends as much as there is room for, for that long
//   awaited BYTES MS   that many callers await the echo of each of their messages, for that long
import { createInterface } from 'node:readline';

import { openChannel } from '../../build/src/cpg/index.js';

/** Callers that await their echoes at the same time. */
const CALLERS = 1_024;

const channel = openChannel();
let delivered = 0;
let touched = 0;
channel.on('message', (from, payload) => {
  delivered += 1;
  if (payload.length > 0) touched += payload[payload.length - 1];
  touched += from.nodeId;
});
channel.on('disconnected', (cause) => {
  throw cause;
});
await channel.join(process.argv[2]);
answer({ ready: true });

const COMMANDS = { flow, awaited };
for await (const line of createInterface({ input: process.stdin })) {
  const [name, bytes, amount] = line.split(' ');
  answer(await COMMANDS[name](Number(bytes), Number(amount)));
}
await channel.close();

async function flow(bytes, ms) {
  const first = delivered;
  const cpu = process.cpuUsage();
  const begunMs = performance.now();
  const endMs = begunMs + ms;
  const payload = new Uint8Array(bytes);
  const view = new DataView(payload.buffer);
  let number = 0;
  while (performance.now() < endMs) {
    // The clock is asked once for a row of messages, as somebody would who has work to do.
    for (let index = 0; index < 256; index += 1) {
      number += 1;
      if (bytes >= 4) view.setUint32(0, number, true);
      while (!channel.trySend(payload)) await channel.ready();
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  const us = (performance.now() - begunMs) * 1e3;
  const result = { messages: delivered - first, us, cpuUs: user + system, touched };
  // What is still in flight is waited for, not counted.
  await channel.flush();
  return result;
}

async function awaited(bytes, ms) {
  const first = delivered;
  const cpu = process.cpuUsage();
  const begunMs = performance.now();
  let running = true;
  const result = new Promise((resolve) => {
    setTimeout(() => {
      running = false;
      const { user, system } = process.cpuUsage(cpu);
      const us = (performance.now() - begunMs) * 1e3;
      resolve({ messages: delivered - first, us, cpuUs: user + system, touched });
    }, ms);
  });
  const caller = async () => {
    const payload = new Uint8Array(bytes);
    while (running) await channel.multicast(payload);
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return await result;
}

function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
