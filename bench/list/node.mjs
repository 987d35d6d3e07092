import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { Coordinator, openLockList } from '../../build/src/coordinator/index.js';
import { openLockManager } from '../../build/src/dlm/index.js';
import { createCluster, systemClock } from '../../build/src/embedded/index.js';

export const LOCKSPACE = 'bench';
const BOOT_ID = '00000000-0000-4000-8000-000000000001';
/** Adopting 100,000 locks takes that long on a machine with other work. */
const READY_MS_MAX = 170_000;

/** What the list says to whom; only what is wrong is of interest here. */
export const QUIET_LOG = { info: () => undefined, warn: () => undefined, error: complain };

/**
 * A coordinator with a list on a real disk, beside an embedded corosync: of a node of its own, or
 * of the embedded `node` that is given. The lock manager is the child over the stub of libdlm
 * (LD_LIBRARY_PATH), or with `embedded` the engine. `opened` is called when the lockspace of the
 * stub is open, which is when adoption begins. The embedded process is left in `options.process`.
 */
export async function startNode(options) {
  const { directory, embedded = false, opened = () => undefined, node = nodeOfItsOwn() } = options;
  const process = node.startProcess();
  options.process = process;
  const { openGroup, openQuorum, processWatch } = process;
  const coordinator = await Coordinator.start({
    nodeName: node.name, incarnation: randomBytes(16).toString('hex'), bootId: BOOT_ID,
    lockspace: LOCKSPACE, group: LOCKSPACE, softwareVersion: '0.0.0-bench', unsafeNoFencing: false,
  }, {
    openGroup, openQuorum, processWatch, clock: systemClock,
    lockManager: embedded ? process.lockManager() : stubLockManager(opened),
    openList: () => openList(directory),
    log: (level, message) => (level === 'error' ? complain(message) : undefined),
  });
  coordinator.done.catch((error) => {
    throw error;
  });
  await until('the coordinator to be ready', () => coordinator.status().standing.kind === 'ok');
  return coordinator;
}

function nodeOfItsOwn() {
  return createCluster({ nodes: [{ id: 1, name: 'n1' }], clock: systemClock }).node(1);
}

/** The lock list of this lockspace and boot in that directory. */
export function openList(directory) {
  const log = QUIET_LOG;
  return openLockList({ directory, bootId: BOOT_ID, lockspace: LOCKSPACE, clock: systemClock, log });
}

/** The child over the stub; that the lockspace runs and is fenced has to be believed. */
export function stubLockManager(opened = () => undefined) {
  const child = fileURLToPath(new URL('../dlm/stub-child.mjs', import.meta.url));
  const manager = openLockManager({ log: complain, childCommand: [process.execPath, child] });
  return {
    openLockspace: async (name) => {
      const lockspace = await manager.openLockspace(name);
      opened();
      return lockspace;
    },
    lockspaceState: () => Promise.resolve({ kind: 'running', members: [1] }),
    controllerView: () => Promise.resolve({ fencing: true }),
    clusterView: () => manager.clusterView(),
    close: () => manager.close(),
  };
}

/** Looks every millisecond; gives how long it took. */
export async function until(what, holds) {
  const startedMs = performance.now();
  while (!holds()) {
    if (performance.now() - startedMs > READY_MS_MAX) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return performance.now() - startedMs;
}

/** Runs `work(index)` for all indices below `count`, so many at once. */
export async function inFlight(count, atOnce, work) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

export const owner = { kind: 'named', name: 'bench' };

/** The facts of a lock as the list keeps them. */
export function factsOf(id) {
  const resource = nameOf(id);
  return { id, resource, lockName: resource, mode: 'EX', owner, bootId: BOOT_ID };
}

/** Names as long as those that people give. */
export function nameOf(index) {
  return `vm/disk-${String(index).padStart(6, '0')}`;
}

function complain(message) {
  process.stderr.write(`${message}\n`);
}
