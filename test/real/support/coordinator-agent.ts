/**
 * A coordinator inside a node, on its real corosync, with an embedded lock manager of its own in
 * place of the kernel's. It answers on a control socket, and SIGTERM stops it cleanly.
 *
 * Arguments: node id, folder of its socket and list, incarnation.
 */
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.js';
import { startControlServer } from '../../../src/control/index.js';
import { Coordinator, openLockList } from '../../../src/coordinator/index.js';
import { openCpg } from '../../../src/cpg/index.js';
import { createLockEngine } from '../../../src/embedded/index.js';
import { openLog } from '../../../src/log.js';
import { openProcessWatch } from '../../../src/process-watch/index.js';
import { openQuorum } from '../../../src/quorum/index.js';

const NAME = 'holdfast';
const NODE_IDS = [1, 2, 3];

const [nodeText = '', folder = '', incarnation = ''] = process.argv.slice(2);
const nodeId = Number(nodeText);
const bootId = `00000000-0000-4000-8000-00000000000${nodeId}`;
const clock = systemClock;
const log = openLog({ level: 'debug', format: 'text' });
const engine = createLockEngine({ clock, nodeIds: NODE_IDS });
// As if the others had opened the lockspace too, and never left: nobody is proven gone here.
for (const id of NODE_IDS) engine.lockspace(NAME).enter(id);

const coordinator = await Coordinator.start({
  nodeName: `n${nodeId}`, incarnation, bootId, lockspace: NAME, group: NAME,
  softwareVersion: '0.0.0-test', unsafeNoFencing: false,
}, {
  openGroup: openCpg, openQuorum, clock,
  lockManager: engine.lockManager({ nodeId, pid: process.pid }),
  openList: () => openLockList({ directory: join(folder, 'list'), bootId, lockspace: NAME, clock, log }),
  processWatch: await openProcessWatch(),
  log: (level, message) => log.log(level, message),
});
const server = await startControlServer({
  service: coordinator, socketPath: join(folder, 'control.sock'), log, clock,
});
process.once('SIGTERM', () => void coordinator.stop('release'));
await coordinator.done;
await server.close();
