// Lines of stdin to all members of a group, in the same order everywhere.
// node examples/group-chat.mjs [GROUP]
import { createInterface } from 'node:readline';

import { openCpg } from 'holdfast/cpg';

const group = await openCpg();
group.on('message', (from, payload) => {
  console.log(`${from.nodeId}/${from.pid}: ${Buffer.from(payload).toString()}`);
});
group.on('view', ({ members, joined, left }) => {
  for (const { nodeId, pid, reason } of joined) console.log(`+ ${nodeId}/${pid} (${reason})`);
  for (const { nodeId, pid, reason } of left) console.log(`- ${nodeId}/${pid} (${reason})`);
  console.log(`members: ${members.map(({ nodeId, pid }) => `${nodeId}/${pid}`).join(' ')}`);
});
group.on('lost', (cause) => {
  console.error(cause.message);
  process.exit(1);
});

await group.join(process.argv[2] ?? 'holdfast-example');
for await (const line of createInterface({ input: process.stdin })) {
  // Resolves when our own copy has come back, in its place in the order.
  await group.multicast(Buffer.from(line));
}
await group.leave();
await group.close();
