import { fileURLToPath } from 'node:url';
import { systemClock, type Clock } from '../clock.js';
import { Controller, dlmTool, type RunTool } from './controller.js';
import { DlmError } from './error.js';
import { KERNEL_ROOTS, KernelFiles, type KernelRoots } from './kernel-files.js';
import { ChildLockspace } from './lockspace.js';
import { openOptions } from './lock-options.js';
import { checkLockspace } from './names.js';
import type {
  ClusterView, ControllerView, LockManager, Lockspace, LockspaceState, OpenRequest,
} from './port.js';
import { awaitPredecessors } from './predecessors.js';

/** Most lockspaces that may be open at once: each one is a process. */
export const LOCKSPACES_MAX = 16;

export interface LockManagerOptions {
  /** Diagnostics that are nobody's answer: the child's stderr, a child left behind. */
  readonly log: (message: string) => void;
  readonly clock?: Clock;
  /** Program and arguments of the child; another one only in tests. */
  readonly childCommand?: readonly [string, ...string[]];
  readonly dlmToolPath?: string;
  readonly runTool?: RunTool;
  readonly kernelRoots?: KernelRoots;
}

/**
 * The real lock manager of this node: libdlm in child processes, one for each open lockspace, and
 * dlm_controld's view by dlm_tool. Nothing is started before a lockspace is opened.
 */
export function openLockManager(options: LockManagerOptions): LockManager {
  return new ChildLockManager(options);
}

class ChildLockManager implements LockManager {
  readonly #options: LockManagerOptions;
  readonly #clock: Clock;
  readonly #kernel: KernelFiles;
  readonly #controller: Controller;
  readonly #lockspaces = new Map<string, ChildLockspace>();
  #closed = false;

  constructor(options: LockManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#kernel = new KernelFiles(options.kernelRoots ?? KERNEL_ROOTS);
    this.#controller = new Controller({
      runTool: options.runTool ?? dlmTool(options.dlmToolPath ?? 'dlm_tool'),
      kernel: this.#kernel,
    });
  }

  async openLockspace(name: string, request: OpenRequest = {}): Promise<Lockspace> {
    checkLockspace('open', name);
    const creation = openOptions(request);
    if (this.#closed) {
      throw new DlmError('CLOSED', 'open', 'the lock manager was closed');
    }
    if (this.#lockspaces.has(name) || this.#lockspaces.size >= LOCKSPACES_MAX) {
      const message = this.#lockspaces.has(name)
        ? `lockspace ${name} is open already`
        : `${LOCKSPACES_MAX} lockspaces are open already`;
      throw new DlmError('BAD_REQUEST', 'open', message);
    }
    const lockspace: ChildLockspace = new ChildLockspace(name, {
      clock: this.#clock,
      kernel: this.#kernel,
      command: this.#options.childCommand ?? ownChild(),
      log: this.#options.log,
      onEnd: () => {
        if (this.#lockspaces.get(name) === lockspace) {
          this.#lockspaces.delete(name);
        }
      },
    });
    this.#lockspaces.set(name, lockspace);
    await lockspace.open(creation);
    try {
      await awaitPredecessors({
        kernel: this.#kernel, clock: this.#clock, lockspace: name, childPid: lockspace.childPid,
      });
    } catch (error) {
      await lockspace.close();
      throw error;
    }
    // It may have ended while the predecessors were waited for, when nobody could hear of it yet.
    if (lockspace.failure !== null) throw lockspace.failure;
    return lockspace;
  }

  async lockspaceState(name: string): Promise<LockspaceState> {
    checkLockspace('lockspaceState', name);
    return this.#controller.lockspaceState(name);
  }

  controllerView(): Promise<ControllerView> {
    return this.#controller.controllerView();
  }

  clusterView(): Promise<ClusterView> {
    return this.#controller.clusterView();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#lockspaces.values()].map((lockspace) => lockspace.close()));
  }
}

function ownChild(): readonly [string, ...string[]] {
  return [process.execPath, fileURLToPath(new URL('./child/main.js', import.meta.url))];
}
