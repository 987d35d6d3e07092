// Our side of the channel bench: as bench/c/cpg-loop.c, but each message is one of the
// application's, sent through a channel and handed to a listener one by one.
//
//   flow BYTES MS      sends as much as there is room for, for that long
//   awaited BYTES MS   that many callers await the echo of each of their messages, for that long
import { openChannel } from '../../build/src/cpg/index.js';
import { obeyCommands, runCallers, startMeter } from '../command-loop.mjs';

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
await obeyCommands({ flow, awaited });
await channel.close();

async function flow(bytes, ms) {
  const meter = startMeter(() => delivered);
  const endMs = performance.now() + ms;
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
  const result = { ...meter(), touched };
  // What is still in flight is waited for, not counted.
  await channel.flush();
  return result;
}

async function awaited(bytes, ms) {
  const caller = async (isRunning) => {
    const payload = new Uint8Array(bytes);
    while (isRunning()) await channel.multicast(payload);
  };
  return { ...await runCallers(CALLERS, ms, startMeter(() => delivered), caller), touched };
}
