// Our side of the CPG benches: the same commands as bench/c/cpg-loop.c, through the public Group.
//
//   rtt BYTES COUNT   multicasts a message and awaits it, COUNT times
//   flow BYTES MS     that many senders await their multicasts for that long; a `message` listener
//                     gets every payload, its own copy
//   turns BYTES MS    only listens, and measures how long each turn of the event loop that
//                     delivered something was held; it falls behind on purpose now and then
import { openSync, readSync } from 'node:fs';

import * as cpg from '../../build/src/cpg/index.js';
import { obeyCommands, runCallers, startMeter } from '../command-loop.mjs';

/** As many as the C side keeps in flight. */
const WINDOW_MESSAGES = 128;
const WINDOW_BYTES = 2 << 20;
/** Beyond what is in flight, so that something waits to be sent whenever there is room. */
const WAITING = 4;
/** How long the listener of `turns` sleeps on the loop, so that a backlog meets the next turn. */
const BLOCK_MS = 100;
const BLOCK_EVERY_MS = 500;

const SCHEDSTAT = openSync('/proc/thread-self/schedstat');
const buffer = Buffer.alloc(128);

const group = await cpg.openCpg();
let delivered = 0;
let touched = 0;
group.on('message', (from, payload) => {
  delivered += 1;
  if (payload.length > 0) touched += payload[payload.length - 1];
  touched += from.nodeId;
});
group.on('lost', (cause) => {
  throw cause;
});
await group.join(process.argv[2]);
await obeyCommands({ rtt, flow, turns });
await group.close();

async function rtt(bytes, count) {
  const payload = new Uint8Array(bytes);
  const samples = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    payload[0] = index;
    const begun = performance.now();
    await group.multicast(payload);
    samples[index] = (performance.now() - begun) * 1e3;
  }
  samples.sort();
  return { p50: samples[count >> 1], p90: samples[Math.floor(count * 0.9)], count };
}

async function flow(bytes, ms) {
  let number = 0;
  const sender = async (isRunning) => {
    const payload = new Uint8Array(bytes);
    const view = new DataView(payload.buffer);
    while (isRunning()) {
      number += 1;
      view.setUint32(0, number, true);
      await group.multicast(payload);
    }
  };
  const count = Math.min(WINDOW_MESSAGES, Math.floor(WINDOW_BYTES / bytes)) + WAITING;
  return { ...await runCallers(count, ms, startMeter(() => delivered), sender), touched };
}

async function turns(_bytes, ms) {
  const held = [];
  const ran = [];
  const endMs = performance.now() + ms;
  let blockAtMs = performance.now() + BLOCK_EVERY_MS;
  const before = delivered;
  while (performance.now() < endMs) {
    if (performance.now() >= blockAtMs) {
      const untilMs = performance.now() + BLOCK_MS;
      while (performance.now() < untilMs);
      blockAtMs = performance.now() + BLOCK_EVERY_MS;
    }
    const first = delivered;
    const waitedMs = waitedForCpuMs();
    const begunMs = performance.now();
    await new Promise(setImmediate);
    if (delivered === first) continue;
    const heldMs = performance.now() - begunMs;
    held.push(heldMs);
    ran.push(heldMs - (waitedForCpuMs() - waitedMs));
  }
  held.sort((a, b) => a - b);
  ran.sort((a, b) => a - b);
  const p99 = (values) => values[Math.floor(values.length * 0.99)] ?? 0;
  return {
    turns: held.length, messages: delivered - before, p50: held[held.length >> 1] ?? 0,
    p99: p99(held), ranP99: p99(ran), max: held.at(-1) ?? 0,
  };
}

/** How long this thread has waited for a CPU that others had, in ms. @see proc(5), schedstat */
function waitedForCpuMs() {
  const bytes = readSync(SCHEDSTAT, buffer, 0, buffer.length, 0);
  return Number(buffer.toString('latin1', 0, bytes).split(' ')[1]) / 1e6;
}
