import type { Clock } from '../../clock.js';
import type { EngineLock, LockOwner } from './lock.js';

/**
 * How one node's kernel stands to one lockspace.
 * `abandoned`: dlm_controld is gone or the others have removed us; nothing gets through any more.
 * `dead`: the kernel itself is gone, its locks await recovery.
 */
export type KernelState = 'joining' | 'member' | 'abandoned' | 'dead';

/**
 * One node's part in one lockspace, for one boot. Requests pass through it in order, and wait
 * inside it while it is stopped: that is where a real caller hangs in D state.
 */
export class Kernel {
  readonly nodeId: number;
  state: KernelState = 'joining';
  abandonedBecause = '';
  /** Seen by a quorate side to be gone; never taken back: states are not merged. */
  departed = false;
  fenced = false;
  /** What the node still believes to hold after the others have removed it. */
  remembered: readonly EngineLock[] | null = null;
  /** Who has it open, those who died in it included, until the kernel has cleaned up. */
  readonly openers = new Set<LockOwner>();
  readonly #clock: Clock;
  readonly #lockMs: number;
  readonly #isOpen: (kernel: Kernel) => boolean;
  #operations: (() => void)[] = [];
  #due = 0;

  constructor(
    nodeId: number,
    modules: {
      readonly clock: Clock; readonly lockMs: number; readonly isOpen: (kernel: Kernel) => boolean;
    },
  ) {
    this.nodeId = nodeId;
    this.#clock = modules.clock;
    this.#lockMs = modules.lockMs;
    this.#isOpen = modules.isOpen;
  }

  submit(operation: () => void): void {
    this.#operations.push(operation);
    this.#clock.setTimer(this.#lockMs, () => {
      this.#due += 1;
      this.drain();
    });
  }

  /** Lets through what has come due, as long as the lockspace runs here. */
  drain(): void {
    while (this.#due > 0 && this.#isOpen(this)) {
      this.#due -= 1;
      this.#operations.shift()?.();
    }
  }

  /** The node lost its power. */
  die(): void {
    this.state = 'dead';
    this.#operations = [];
    this.#due = 0;
  }
}
