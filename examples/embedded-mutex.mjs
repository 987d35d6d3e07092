// A persistent DLM lock through the death of its process and then of its node, on an embedded
// cluster in this very process: no corosync, no kernel module, no root.
import { createCluster, systemClock } from 'holdfast/embedded';

const cluster = createCluster({
  nodes: [{ id: 1, name: 'one' }, { id: 2, name: 'two' }, { id: 3, name: 'three' }],
  clock: systemClock,
});

const holder = cluster.node(1).startProcess();
const first = await holder.lockManager().openLockspace('example');
await first.take({ resource: 'disk', mode: 'EX', wait: false }).granted;
console.log('node 1 holds disk');

const second = await cluster.node(2).startProcess().lockManager().openLockspace('example');
await second.take({ resource: 'disk', mode: 'EX', wait: false }).granted.catch((error) => {
  console.log(`node 2 is refused: ${error.code}`);
});

holder.kill();
const waiting = second.take({ resource: 'disk', mode: 'EX', wait: true });
let granted = false;
void waiting.granted.then(() => {
  granted = true;
});

const restarted = await cluster.node(1).startProcess().lockManager().openLockspace('example');
await restarted.adopt({ resource: 'disk', mode: 'EX' });
console.log(`node 1's process died and its successor adopted disk; node 2 ${granted ? 'has' : 'waits for'} it`);

cluster.powerOff(1);
await waiting.granted;
console.log('node 1 lost power and was fenced; node 2 holds disk');
