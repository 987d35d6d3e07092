// On one node: when libcpg tells a bystander in the daemons' group of a node's going, and when the
// daemon's socket does. Arguments: control socket, the node's name, its id. Prints `ready`, `confchg MS` and `told MS`, by a
// clock that all processes of this machine share.
import { openControlClient } from '../../build/src/control/index.js';
import { openCpg } from '../../build/src/cpg/index.js';

const [socketPath, name, id] = process.argv.slice(2);
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
const say = (text) => process.stdout.write(`${text}\n`);

const group = await openCpg();
group.on('view', ({ left }) => {
  const at = nowMs();
  if (left.some(({ nodeId }) => nodeId === Number(id))) say(`confchg ${at}`);
});
await group.join('holdfast');
say('ready');
const client = openControlClient({ socketPath });
for await (const event of client.watch(new AbortController().signal)) {
  if (event.type !== 'node' || event.node.name !== name) continue;
  if (event.node.state === 'node-down') say(`told ${nowMs()}`);
}
