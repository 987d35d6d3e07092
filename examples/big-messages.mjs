// Messages of any size and of none, over a connection that comes back by itself.
// node examples/big-messages.mjs [BYTES]
import { createHash, randomBytes } from 'node:crypto';

import { openChannel } from 'holdfast/cpg';

const bytes = Number(process.argv[2] ?? 5 << 20);
const channel = openChannel();
channel.on('disconnected', (cause) => console.error(`away: ${cause.message}`));
channel.on('message', (from, payload) => {
  const sum = createHash('sha256').update(payload).digest('hex').slice(0, 16);
  console.log(`${from.nodeId}/${from.pid} sent ${payload.length} bytes, sha256 ${sum}`);
});

await channel.join('holdfast-example-big');
await channel.multicast(randomBytes(bytes));
// Small ones share multicasts. `send` waits only while there is no room.
for (let index = 0; index < 3; index += 1) await channel.send(Buffer.from(`small ${index}`));
await channel.flush();
await channel.leave();
