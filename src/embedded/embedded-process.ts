import type { Clock } from '../clock.js';
import { CorosyncMap } from '../cmap/corosync-map.js';
import { CmapError, type OpenCmap } from '../cmap/index.js';
import { CpgError, type OpenCpg } from '../cpg/index.js';
import type { ProcessWatch } from '../process-watch/port.js';
import { QuorumError, type OpenQuorum } from '../quorum/index.js';
import { EmbeddedGroup } from './bus/embedded-group.js';
import { EmbeddedQuorum } from './bus/embedded-quorum.js';
import type { Network } from './bus/network.js';
import { EmbeddedConnection } from './cmap/embedded-connection.js';
import type { EmbeddedLockManager } from './dlm/embedded-lock-manager.js';
import type { LockEngine } from './dlm/lock-engine.js';
import { ProcessClock } from './process-clock.js';

export interface ProcessModules {
  readonly clock: Clock;
  readonly network: Network;
  readonly engine: LockEngine;
  readonly watchFor: (clock: Clock) => ProcessWatch;
  readonly ended: (process: EmbeddedProcess) => void;
}

/**
 * One process on an embedded node, such as a coordinator. Give it `clock` and nothing else to
 * tell time by: a killed process is then silent at once and a paused one stands still.
 */
export class EmbeddedProcess {
  readonly nodeId: number;
  readonly pid: number;
  readonly clock: Clock;
  readonly processWatch: ProcessWatch;
  readonly #clock: ProcessClock;
  readonly #modules: ProcessModules;
  readonly #groups: EmbeddedGroup[] = [];
  readonly #quorums: EmbeddedQuorum[] = [];
  readonly #cmaps: EmbeddedConnection[] = [];
  readonly #lockManagers: EmbeddedLockManager[] = [];
  #alive = true;

  constructor(nodeId: number, pid: number, modules: ProcessModules) {
    this.nodeId = nodeId;
    this.pid = pid;
    this.#modules = modules;
    this.#clock = new ProcessClock(modules.clock);
    this.clock = this.#clock;
    this.processWatch = modules.watchFor(this.clock);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Opens a connection to this node's corosync. `LIBRARY` while it is down. */
  readonly openGroup: OpenCpg = () => {
    const refusal = this.#refusal();
    if (refusal !== null) {
      return Promise.reject(new CpgError(refusal.code, 'open', refusal.message, { retryable: true }));
    }
    const { network } = this.#modules;
    const self = { nodeId: this.nodeId, pid: this.pid };
    const group = new EmbeddedGroup(self, { clock: this.clock, network });
    this.#groups.push(group);
    return Promise.resolve(group);
  };

  /** Opens a connection to this node's quorum service. `LIBRARY` while it is down. */
  readonly openQuorum: OpenQuorum = () => {
    const refusal = this.#refusal();
    if (refusal !== null) {
      return Promise.reject(new QuorumError(refusal.code, 'open', refusal.message, { retryable: true }));
    }
    const { network } = this.#modules;
    const quorum = new EmbeddedQuorum(this.nodeId, { clock: this.clock, network });
    this.#quorums.push(quorum);
    return Promise.resolve(quorum);
  };

  /**
   * Opens a connection to this node's configuration map. `LIBRARY` while corosync is down,
   * `NOT_SUPPORTED` for the statistics: there are none.
   */
  readonly openCmap: OpenCmap = (options) => {
    const refusal = this.#refusal();
    if (refusal !== null) {
      return Promise.reject(new CmapError(refusal.code, 'open', refusal.message, { retryable: true }));
    }
    if ((options?.map ?? 'config') !== 'config') {
      const text = 'openCmap: an embedded cluster keeps no statistics; open the map config';
      return Promise.reject(new CmapError('NOT_SUPPORTED', 'openCmap', text));
    }
    const corosync = this.#modules.network.corosync(this.nodeId);
    const connection = new EmbeddedConnection(corosync, this.clock);
    this.#cmaps.push(connection);
    return Promise.resolve(new CorosyncMap(connection));
  };

  /** A new lock manager with a child of its own. */
  lockManager(): EmbeddedLockManager {
    const { nodeId, pid, clock } = this;
    const created = this.#modules.engine.lockManager({ nodeId, pid, clock });
    this.#lockManagers.push(created);
    return created;
  }

  /** Kills the children of its lock managers: their lockspaces are `lost`. */
  killChild(): void {
    for (const lockManager of this.#lockManagers) lockManager.killChild();
  }

  /**
   * SIGKILL: its groups see `procdown`, its persistent locks become orphans, the others are
   * unlocked. Nothing of it runs any more, and no promise of it ever settles.
   */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#clock.end();
    for (const group of this.#groups) group.disconnect(true);
    for (const quorum of this.#quorums) quorum.disconnect();
    for (const cmap of this.#cmaps) cmap.disconnect();
    for (const lockManager of this.#lockManagers) lockManager.vanish();
    this.#modules.ended(this);
  }

  /** For the node: everything on it stands still. */
  hold(): void {
    this.#clock.hold();
  }

  /** For the node: everything on it goes on. */
  release(): void {
    this.#clock.release();
  }

  #refusal(): { readonly code: 'LIBRARY' | 'TRY_AGAIN'; readonly message: string } | null {
    const { running, ring } = this.#modules.network.corosync(this.nodeId);
    if (!running || !this.#alive) {
      return { code: 'LIBRARY', message: 'open: corosync is not running on this node; start it' };
    }
    if (ring !== null) return null;
    return { code: 'TRY_AGAIN', message: 'open: corosync is starting; try again in a moment' };
  }
}
