import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../../../src/clock.js';
import { startControlServer } from '../../../src/control/index.js';
import { Coordinator, openLockList } from '../../../src/coordinator/index.js';
import { createCluster } from '../../../src/embedded/index.js';
import { openLog } from '../../../src/log.js';
import { openProcessWatch } from '../../../src/process-watch/index.js';

/**
 * A daemon on the embedded side as a program: `node embedded-daemon.js SOCKET LOCKSPACE-FILE`. The
 * file stands for the kernel's lockspace: there while the daemon is in it.
 */
const [socketPath = '', lockspaceFile = ''] = process.argv.slice(2);
const log = openLog({ level: 'info', format: 'text' });
const cluster = createCluster({
  nodes: [{ id: 1, name: 'n1' }], clock: systemClock, seed: 1,
});
const node = cluster.node(1);
const { bootId } = node;
const clusterProcess = node.startProcess();
const { clock } = clusterProcess;
const directory = join(dirname(socketPath), 'state');
mkdirSync(directory, { recursive: true, mode: 0o700 });
const lockspace = 'holdfast';
const coordinator = await Coordinator.start(
  {
    nodeName: 'n1', incarnation: 'ab'.repeat(16), bootId, lockspace, group: lockspace,
    softwareVersion: '0', unsafeNoFencing: false,
  },
  {
    openGroup: clusterProcess.openGroup,
    openQuorum: clusterProcess.openQuorum,
    lockManager: clusterProcess.lockManager(),
    openList: () => openLockList({ directory, bootId, lockspace, clock, log }),
    processWatch: await openProcessWatch(),
    clock,
    log: (level, message) => log.log(level, message),
  },
);
const server = await startControlServer({ service: coordinator, socketPath, log });
writeFileSync(lockspaceFile, '');
await coordinator.done;
await server.close();
rmSync(lockspaceFile);
process.exit(0);
