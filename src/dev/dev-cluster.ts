import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes, randomInt } from 'node:crypto';
import { systemClock } from '../clock.js';
import { startControlServer, type ControlServer } from '../control/index.js';
import { Coordinator, openLockList } from '../coordinator/index.js';
import { createCluster, type EmbeddedCluster, type EmbeddedProcess } from '../embedded/index.js';
import { openLog, type LogLevel } from '../log.js';
import { openProcessWatch } from '../process-watch/index.js';
import { readVersion } from '../version.js';

/** What a development cluster calls its group and its lockspace. */
const NAME = 'holdfast';

export interface DevClusterOptions {
  readonly nodes: number;
  /** Holds each node's socket and lock list. */
  readonly directory: string;
  readonly logLevel: LogLevel;
}

interface Running {
  readonly process: EmbeddedProcess;
  readonly coordinator: Coordinator;
  readonly server: ControlServer;
}

/** N coordinators in one process over the embedded corosync and DLM, each with a real socket. */
export class DevCluster {
  readonly nodeIds: readonly number[];
  readonly #options: DevClusterOptions;
  readonly #cluster: EmbeddedCluster;
  readonly #running = new Map<number, Running>();
  readonly #starting = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: DevClusterOptions) {
    this.#options = options;
    this.nodeIds = Array.from({ length: options.nodes }, (_, index) => index + 1);
    this.#cluster = createCluster({
      nodes: this.nodeIds.map((id) => ({ id, name: nameOf(id) })),
      clock: systemClock,
      fencingPowersOff: true,
      // Boot ids come from it: those of an earlier run must not come again.
      seed: randomInt(2 ** 31),
    });
  }

  socketPath(nodeId: number): string {
    return join(this.#options.directory, `${nameOf(nodeId)}.sock`);
  }

  /** Starts the node's coordinator, as `holdfastd` would be. Rejects once `stop` was called. */
  async start(nodeId: number): Promise<void> {
    if (this.#stopped) throw new Error('the development cluster is stopping');
    const started = this.#start(nodeId);
    this.#starting.add(started);
    try {
      await started;
    } finally {
      this.#starting.delete(started);
    }
  }

  async #start(nodeId: number): Promise<void> {
    const { directory, logLevel } = this.#options;
    const log = openLog({ level: logLevel, format: 'text', label: nameOf(nodeId) });
    const node = this.#cluster.node(nodeId);
    const process = node.startProcess();
    // It ends with the process, so that nothing of a killed coordinator goes on.
    const { clock } = process;
    const { bootId } = node;
    const listDirectory = join(directory, nameOf(nodeId));
    await mkdir(listDirectory, { recursive: true, mode: 0o700 });
    const coordinator = await Coordinator.start(
      {
        nodeName: nameOf(nodeId),
        incarnation: randomBytes(16).toString('hex'),
        bootId,
        lockspace: NAME,
        group: NAME,
        softwareVersion: readVersion(),
        unsafeNoFencing: false,
      },
      {
        openGroup: process.openGroup,
        openQuorum: process.openQuorum,
        lockManager: process.lockManager(),
        openList: () =>
          openLockList({
            directory: listDirectory, bootId, lockspace: NAME, clock, log,
          }),
        processWatch: await openProcessWatch(),
        clock,
        log: (level, message) => log.log(level, message),
      },
    );
    const socketPath = this.socketPath(nodeId);
    const server = await startControlServer({ service: coordinator, socketPath, log });
    this.#running.set(nodeId, { process, coordinator, server });
  }

  /** Kills the coordinator where it stands, as `kill -9` would. */
  async crash(nodeId: number): Promise<void> {
    const running = this.#running.get(nodeId);
    if (running === undefined) return;
    this.#running.delete(nodeId);
    running.process.kill();
    running.coordinator.abandon();
    await running.server.close();
  }

  /** Cuts the node's power: everything on it is gone at once. */
  async powerOff(nodeId: number): Promise<void> {
    this.#cluster.powerOff(nodeId);
    await this.crash(nodeId);
  }

  /** Boots the node again, without its coordinator. */
  powerOn(nodeId: number): void {
    this.#cluster.powerOn(nodeId);
  }

  /** Ends everything; held locks end with the process that they live in. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#starting);
    for (const nodeId of this.nodeIds) await this.crash(nodeId);
  }
}

function nameOf(nodeId: number): string {
  return `n${nodeId}`;
}
