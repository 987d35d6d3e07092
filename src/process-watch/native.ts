import type koffiModule from 'koffi';
import type { KoffiFunc } from 'koffi';

import { messageOf } from '../errors.js';
import { ProcessWatchError } from './error.js';

/** The same number on every architecture. @see syscall(2) */
const SYS_PIDFD_OPEN = 434;
/** libcpg's dispatch needs that much; the setting is one for the whole process. */
const STACK_BYTES_MIN = 4 << 20;

/** A descriptor that is being polled; the holder must keep it referenced. */
export interface Poll {
  /** Must not be called twice, nor after the descriptor was closed. */
  close(): void;
}

/** The few native calls that watching needs. */
export interface PidfdCalls {
  /** A new descriptor, or the negative errno. @see pidfd_open(2) */
  pidfdOpen: (pid: number) => number;
  /** Of a pidfd only: Node does not know of it. @see close(2) */
  close: (fd: number) => void;
  /**
   * Calls back in a later turn each time the descriptor is readable, or with a negative libuv
   * status. The descriptor must be open and pollable: anything else aborts the process.
   */
  poll: (fd: number, ready: (status: number) => void) => Poll;
}

/** Loads libc's syscall(2); ProcessWatchError `LIBRARY_MISSING`. */
export async function loadPidfdCalls(): Promise<PidfdCalls> {
  try {
    const { default: koffi } = await import('koffi');
    raiseStacks(koffi);
    const libc = koffi.load(null);
    const syscall = libc.func('long syscall(long number, int pid, unsigned int flags)') as
      KoffiFunc<(number: number, pid: number, flags: number) => number>;
    const close = libc.func('int close(int fd)') as KoffiFunc<(fd: number) => number>;
    return {
      close: (fd) => {
        close(fd);
      },
      pidfdOpen: (pid) => {
        const fd = syscall(SYS_PIDFD_OPEN, pid, 0);
        return fd >= 0 ? fd : -koffi.errno();
      },
      poll: (fd, ready) => startPoll(koffi, fd, ready),
    };
  } catch (thrown) {
    throw new ProcessWatchError(
      'LIBRARY_MISSING',
      `cannot load koffi and libc to watch processes: ${messageOf(thrown)}; install Holdfast's ` +
        'npm packages with their optional ones, for this machine\'s architecture',
      { cause: thrown },
    );
  }
}

/**
 * One setting for the whole process, frozen by the first load of any library: it is raised in
 * case this is that load. The calls here do with any stack, so coming second does not matter.
 */
function raiseStacks(koffi: typeof koffiModule): void {
  const { sync_stack_size: sync = 0, async_stack_size: async = 0 } = koffi.config();
  if (sync >= STACK_BYTES_MIN && async >= STACK_BYTES_MIN) return;
  koffi.config({
    sync_stack_size: Math.max(sync, STACK_BYTES_MIN),
    async_stack_size: Math.max(async, STACK_BYTES_MIN),
  });
}

type StatusPoll = (
  fd: number,
  options: { readonly readable: boolean },
  ready: (status: number) => void,
) => PollHandle;

interface PollHandle {
  unref(): void;
  close(): void;
}

function startPoll(
  koffi: typeof koffiModule,
  fd: number,
  ready: (status: number) => void,
): Poll {
  // koffi 3.3.4 calls back with (status, events); its types say (events).
  const poll = koffi.node.poll as unknown as StatusPoll;
  const handle = poll(fd, { readable: true }, ready);
  // A daemon that stops must not be held up by the processes that it watched.
  handle.unref();
  return { close: () => handle.close() };
}
