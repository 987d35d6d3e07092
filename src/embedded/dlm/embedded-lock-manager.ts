import type { Clock } from '../../clock.js';
import {
  DlmError, type ClusterView, type ControllerView, type LockManager, type Lockspace,
  type LockspaceState, type OpenRequest,
} from '../../dlm/index.js';
import { openOptions } from '../../dlm/lock-options.js';
import { checkLockspace } from '../../dlm/names.js';
import { EmbeddedLockspace } from './embedded-lockspace.js';
import type { LockEngine } from './lock-engine.js';

/** The embedded side of the LockManager port: one process of one node, with one "child". */
export class EmbeddedLockManager implements LockManager {
  readonly #nodeId: number;
  readonly #pid: number;
  readonly #clock: Clock;
  readonly #engine: LockEngine;
  readonly #open = new Set<EmbeddedLockspace>();
  #closed = false;

  constructor(modules: {
    readonly nodeId: number; readonly pid: number; readonly clock: Clock;
    readonly engine: LockEngine;
  }) {
    this.#nodeId = modules.nodeId;
    this.#pid = modules.pid;
    this.#clock = modules.clock;
    this.#engine = modules.engine;
  }

  async openLockspace(name: string, request: OpenRequest = {}): Promise<Lockspace> {
    checkLockspace('open', name);
    const { exclusive } = openOptions(request);
    if (this.#closed) throw closed('open');
    if (!this.#engine.isDaemonUp(this.#nodeId)) throw noDaemon('open');
    const shared = this.#engine.lockspace(name);
    if (shared.stateOf(this.#nodeId).kind === 'abandoned') throw noDaemon('open');
    const present = shared.kernelOf(this.#nodeId) !== null;
    if (exclusive && present) {
      throw new DlmError('LOCKSPACE_EXISTS', 'open', `open: this node is in lockspace '${name}' already; open it without NEWEXCL, or release it first`);
    }
    // As in the kernel: flags count only for the one who makes the lockspace on its node.
    if (!present && !shared.agreesOn(request.flags?.includes('NODIR') === true)) {
      throw new DlmError('BAD_REQUEST', 'open', `open: other nodes are in lockspace '${name}' with other flags; open it with the same`);
    }
    const kernel = shared.enter(this.#nodeId);
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (kernel.state === 'joining') return;
        unwatch();
        this.#clock.setTimer(0, kernel.state === 'member' ? resolve : () => reject(noDaemon('open')));
      };
      const unwatch = shared.watch(this.#nodeId, check);
      check();
    });
    // Closed while it joined: what was joined stays, as it does when a real child is killed then.
    if (this.#isClosed()) throw closed('open');
    const lockspace = new EmbeddedLockspace({
      nodeId: this.#nodeId, pid: this.#pid, clock: this.#clock, shared, kernel,
      stalledMs: this.#engine.timings.stalledMs,
      ended: () => this.#open.delete(lockspace),
    });
    this.#open.add(lockspace);
    return lockspace;
  }

  async lockspaceState(name: string): Promise<LockspaceState> {
    checkLockspace('lockspaceState', name);
    await this.#later();
    return this.#engine.stateOf(this.#nodeId, name);
  }

  async controllerView(): Promise<ControllerView> {
    await this.#later();
    if (!this.#engine.isDaemonUp(this.#nodeId)) throw noDaemon('controller view');
    return { fencing: this.#engine.fencingEnabled };
  }

  async clusterView(): Promise<ClusterView> {
    await this.#later();
    if (!this.#engine.isDaemonUp(this.#nodeId)) throw noDaemon('cluster view');
    return this.#engine.viewOf(this.#nodeId);
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const lockspace of [...this.#open]) lockspace.end('closed');
    return Promise.resolve();
  }

  /** Kills the child: every open lockspace is lost, persistent locks become orphans. */
  killChild(): void {
    for (const lockspace of [...this.#open]) lockspace.end('lost');
  }

  /** The process itself has died; nobody is told. */
  vanish(): void {
    this.#closed = true;
    for (const lockspace of [...this.#open]) lockspace.end('silent');
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  #later(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimer(0, resolve);
    });
  }
}

function closed(operation: string): DlmError {
  return new DlmError('CLOSED', operation, `${operation}: the lock manager was closed; create a new one`);
}

function noDaemon(operation: string): DlmError {
  return new DlmError('NO_DAEMON', operation, `${operation}: dlm_controld is away on this node; start corosync and dlm_controld, or reboot the node when lockspaces were left behind`, { retryable: true });
}
