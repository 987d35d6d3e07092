import { constants } from 'node:os';

import type { Clock, Timer } from '../clock.js';
import { messageOf } from '../errors.js';
import { ProcessWatchError } from './error.js';
import type { PidfdCalls, Poll } from './native.js';
import type { ProcessIdentity, ProcessWatch, Watched } from './port.js';
import { readStartTime } from './stat.js';

const { errno } = constants;
/** After a poll that failed: it says nothing about the process, so it is opened again. */
const RETRY_DELAY_MS = 1_000;
/** Linux's PID_MAX_LIMIT. */
const PID_MAX = 1 << 22;

/**
 * Watches processes by pidfds that the event loop polls: no thread, no wake-up while nothing
 * ends. Each watch costs one descriptor until it has ended or is closed.
 */
export class PidfdWatch implements ProcessWatch {
  readonly #calls: PidfdCalls;
  readonly #clock: Clock;

  constructor(calls: PidfdCalls, clock: Clock) {
    this.#calls = calls;
    this.#clock = clock;
  }

  /** Rejects with ProcessWatchError `LIMIT` when no descriptor is left, or `SYSTEM`. */
  identify(pid: number): Promise<ProcessIdentity | null> {
    return new Promise((resolve) => {
      const startTime = isPid(pid) ? startTimeOf(pid) : null;
      resolve(startTime === null ? null : { pid, startTime });
    });
  }

  /**
   * Throws ProcessWatchError `LIMIT` when no descriptor is left, `UNSUPPORTED` or `SYSTEM`; then
   * nothing is watched.
   */
  watch(process: ProcessIdentity, ended: () => void): Watched {
    const open = (): number | null => this.#openIdentity(process);
    const fd = open();
    if (fd === null) return later(ended);
    const calls = this.#calls;
    return new PidfdWatched({ calls, clock: this.#clock, open, ended }, fd);
  }

  /** Null when the process has ended, also when its pid is another's by now. */
  #openIdentity({ pid, startTime }: ProcessIdentity): number | null {
    const fd = isPid(pid) ? this.#open(pid) : null;
    if (fd === null) return null;
    // The pid may have come to another process before the descriptor was opened. If it is still
    // the same one now, it was the same one then.
    let isSame = false;
    try {
      isSame = startTimeOf(pid) === startTime;
    } finally {
      if (!isSame) this.#calls.close(fd);
    }
    return isSame ? fd : null;
  }

  /** Null when the process has ended. */
  #open(pid: number): number | null {
    const fd = this.#calls.pidfdOpen(pid);
    if (fd >= 0) return fd;
    switch (-fd) {
      case errno.ESRCH:
      // A thread that does not lead its process: no process has this pid.
      case errno.EINVAL:
        return null;
      case errno.EMFILE:
      case errno.ENFILE:
        throw noDescriptor(pid, -fd);
      case errno.ENOSYS:
        throw new ProcessWatchError(
          'UNSUPPORTED',
          'this kernel cannot watch processes (no pidfd_open); Linux 5.3 or later is needed',
          { errno: -fd },
        );
      default:
        throw new ProcessWatchError(
          'SYSTEM',
          `pidfd_open of process ${pid} failed with errno ${-fd}`,
          { errno: -fd },
        );
    }
  }
}

/** A collected poll handle stops polling silently, so what polls is referenced from here. */
const POLLING = new Set<Poll>();

/** One watched process: polled, or after a failed poll waiting to be opened again. */
class PidfdWatched implements Watched {
  readonly #parts: WatchedParts;
  #state:
    | { readonly kind: 'polling'; readonly fd: number; readonly poll: Poll }
    | { readonly kind: 'retrying'; readonly timer: Timer }
    | { readonly kind: 'over' };

  constructor(parts: WatchedParts, fd: number) {
    this.#parts = parts;
    this.#state = this.#poll(fd);
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: 'over' };
    if (state.kind === 'retrying') state.timer.cancel();
    if (state.kind !== 'polling') return;
    // In this order: a poll of a descriptor that is closed aborts the process.
    POLLING.delete(state.poll);
    state.poll.close();
    this.#parts.calls.close(state.fd);
  }

  #poll(fd: number): { kind: 'polling'; fd: number; poll: Poll } {
    const poll = this.#parts.calls.poll(fd, (status) => this.#onReady(status));
    POLLING.add(poll);
    return { kind: 'polling', fd, poll };
  }

  /** Must not throw: koffi would stop polling silently. */
  #onReady(status: number): void {
    if (this.#state.kind !== 'polling') return;
    this.close();
    // A failed poll is no proof that the process has ended, and its locks depend on that.
    if (status < 0) this.#retryLater();
    else this.#end();
  }

  /** polling -> retrying */
  #retryLater(): void {
    const timer = this.#parts.clock.setTimer(RETRY_DELAY_MS, () => this.#retry());
    this.#state = { kind: 'retrying', timer };
  }

  /** retrying -> polling, retrying or over */
  #retry(): void {
    try {
      const fd = this.#parts.open();
      if (fd === null) this.#end();
      else this.#state = this.#poll(fd);
    } catch {
      // Out of descriptors or memory: it was possible before, so it will be again.
      this.#retryLater();
    }
  }

  #end(): void {
    this.#state = { kind: 'over' };
    setImmediate(this.#parts.ended);
  }
}

interface WatchedParts {
  readonly calls: PidfdCalls;
  readonly clock: Clock;
  /** A descriptor of that very process; null when it has ended. */
  readonly open: () => number | null;
  readonly ended: () => void;
}

/** As `readStartTime`, but what fails is a ProcessWatchError `LIMIT` or `SYSTEM`. */
function startTimeOf(pid: number): number | null {
  try {
    return readStartTime(pid);
  } catch (thrown) {
    const number = thrown instanceof Error && 'errno' in thrown ? Math.abs(Number(thrown.errno)) : 0;
    if (number === errno.EMFILE || number === errno.ENFILE) throw noDescriptor(pid, number);
    throw new ProcessWatchError(
      'SYSTEM',
      `/proc/${pid}/stat cannot be read: ${messageOf(thrown)}`,
      { errno: number, cause: thrown },
    );
  }
}

function noDescriptor(pid: number, number: number): ProcessWatchError {
  const text = `no file descriptor is left to watch process ${pid}; raise LimitNOFILE`;
  return new ProcessWatchError('LIMIT', text, { errno: number, retryable: true });
}

function later(ended: () => void): Watched {
  const immediate = setImmediate(ended);
  return { close: () => clearImmediate(immediate) };
}

function isPid(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && pid <= PID_MAX;
}
