import { open, type FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from '../clock.js';
import { BOARD_BYTES, parseBoard, type BoardEntry } from './call-board.js';
import type { KernelFiles } from './kernel-files.js';
import type { Outstanding } from './outstanding.js';
import type { KernelStay, StalledOperation } from './port.js';

/** An operation that has not come back for so long is reported as stuck in the kernel. */
export const STALL_MS = 5_000;

/** How often a look is taken while something should come back soon. */
export const WATCH_INTERVAL_MS = 500;

/** How often while nothing should: then only the kernel's recovery and the child's loop count. */
export const CALM_INTERVAL_MS = 2_500;

/** How often the child is asked whether its loop turns. */
export const HEARTBEAT_MS = 5_000;

export interface WatchModules {
  readonly clock: Clock;
  readonly kernel: KernelFiles;
  readonly lockspace: string;
  readonly outstanding: Outstanding;
  readonly childPid: () => number | null;
  /** Asks the child for a sign of life; never rejects. */
  readonly beat: () => Promise<void>;
  readonly changed: () => void;
  readonly stalled: (operations: readonly StalledOperation[]) => void;
}

/** A call that the board has shown, and since when we have seen it there. */
interface Seen {
  readonly entry: BoardEntry;
  readonly sinceMs: number;
}

/**
 * Looks from outside at a child that may hang, and at its lockspace: which operations do not come
 * back, in which call of the kernel the child is, whether a recovery has begun or ended. Nothing
 * here waits for the child.
 */
export class LockspaceWatch {
  readonly #modules: WatchModules;
  #timer: Timer | null = null;
  #board: FileHandle | null = null;
  #seen: Seen | null = null;
  #beating = false;
  #beatMs: number;
  #stalledCount = 0;
  #toldMs = 0;
  #recoverStatus: number | null = null;
  #ended = false;

  constructor(modules: WatchModules) {
    this.#modules = modules;
    this.#beatMs = modules.clock.monotonic();
  }

  start(): void {
    this.#beatMs = this.#modules.clock.monotonic();
    this.#arm();
  }

  /** The child has said by which of its file descriptors its calls can be seen. */
  async readBoardBy(fd: number): Promise<void> {
    const pid = this.#modules.childPid();
    if (pid === null) {
      return;
    }
    const board = await orNull(open(`/proc/${pid}/fd/${fd}`, 'r'));
    if (this.#ended) {
      await board?.close();
    } else {
      this.#board = board;
    }
  }

  /** Tells nothing any more. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    const board = this.#board;
    this.#board = null;
    if (board !== null) {
      void orNull(board.close());
    }
  }

  #arm(): void {
    const busy = this.#modules.outstanding.hasUnqueued || this.#stalledCount > 0;
    const delayMs = busy ? WATCH_INTERVAL_MS : CALM_INTERVAL_MS;
    this.#timer = this.#modules.clock.setTimer(delayMs, () => {
      this.#beat();
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const recoverStatus = await this.#modules.kernel.recoverStatus(this.#modules.lockspace);
    const stay = this.#modules.outstanding.hasUnqueued ? await this.#kernelStay() : null;
    if (this.#ended) {
      return;
    }
    if (recoverStatus !== this.#recoverStatus) {
      this.#recoverStatus = recoverStatus;
      this.#modules.changed();
    }
    this.#reportStalled(stay);
    this.#arm();
  }

  /** One heartbeat at a time: one that stays out counts as a stalled operation. */
  #beat(): void {
    const now = this.#modules.clock.monotonic();
    if (this.#beating || now - this.#beatMs < HEARTBEAT_MS) {
      return;
    }
    this.#beating = true;
    this.#beatMs = now;
    void this.#modules.beat().then(() => {
      this.#beating = false;
    });
  }

  /** Tells what is stuck when that has changed, and again every `STALL_MS` while it lasts. */
  #reportStalled(stay: Stay | null): void {
    const { outstanding, clock, changed, stalled } = this.#modules;
    const operations = outstanding.stalled(STALL_MS, stay);
    const now = clock.monotonic();
    const known = operations.length === this.#stalledCount;
    if (known && (operations.length === 0 || now - this.#toldMs < STALL_MS)) {
      return;
    }
    if ((operations.length > 0) !== (this.#stalledCount > 0)) {
      changed();
    }
    this.#stalledCount = operations.length;
    this.#toldMs = now;
    stalled(operations);
  }

  /** The call that the child is in, with what the system tells of the process. */
  async #kernelStay(): Promise<Stay | null> {
    const entry = await this.#readBoard();
    const pid = this.#modules.childPid();
    const now = this.#modules.clock.monotonic();
    if (entry === null || pid === null) {
      this.#seen = null;
      return null;
    }
    if (this.#seen?.entry.sequence !== entry.sequence) {
      this.#seen = { entry, sinceMs: now };
    }
    const { kernel } = this.#modules;
    const processState = await kernel.processState(pid);
    const waitsIn = await kernel.waitChannel(pid);
    return { entry, stay: { forMs: now - this.#seen.sinceMs, processState, waitsIn } };
  }

  async #readBoard(): Promise<BoardEntry | null> {
    if (this.#board === null) {
      return null;
    }
    const bytes = new Uint8Array(BOARD_BYTES);
    const read = await orNull(this.#board.read(bytes, 0, BOARD_BYTES, 0));
    return read?.bytesRead === BOARD_BYTES ? parseBoard(bytes) : null;
  }
}

/** A stay in the kernel, and the call that it is. */
export interface Stay {
  readonly entry: BoardEntry;
  readonly stay: KernelStay;
}

/** Null for what cannot be read: a child that has just ended, or a /proc that is hidden. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) {
      return null;
    }
    throw thrown;
  }
}
