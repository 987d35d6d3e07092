import koffi, { type KoffiFunc } from 'koffi';
import { BOARD_BYTES, KERNEL_CALLS, type KernelCall } from '../call-board.js';
import type { CallSigns } from './lock-kernel.js';

/** @see mmap(2) */
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** The child's side of the board of calls, and the file descriptor that the parent reads it by. */
export interface CallBoard extends CallSigns {
  readonly fd: number;
}

/**
 * Makes the board in memory of its own. Throws a bare Error when the system has none to give;
 * without a board the child works as well, only nobody sees where it hangs.
 */
export function openCallBoard(): CallBoard {
  const libc = koffi.load('libc.so.6');
  const memfd = libc.func('int memfd_create(const char *name, unsigned int flags)') as
    KoffiFunc<(name: string, flags: number) => number>;
  const ftruncate = libc.func('int ftruncate(int fd, long length)') as
    KoffiFunc<(fd: number, length: number) => number>;
  const mmap = libc.func(
    'void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset)',
  ) as KoffiFunc<(
    addr: null, length: number, prot: number, flags: number, fd: number, offset: number,
  ) => bigint>;
  const fd = memfd('holdfast-dlm-calls', 0);
  if (fd < 0 || ftruncate(fd, BOARD_BYTES) !== 0) {
    throw new Error(`no memory for the board of calls: errno ${koffi.errno()}`);
  }
  const address = mmap(null, BOARD_BYTES, PROT_READ_WRITE, MAP_SHARED, fd, 0);
  if (BigInt.asIntN(64, address) === -1n) {
    throw new Error(`the board of calls cannot be mapped: errno ${koffi.errno()}`);
  }
  const words = new Int32Array(koffi.view(address, BOARD_BYTES));
  return { fd, ...signsOn(words) };
}

/** Writes to these words. The sequence number is written last, by which the rest counts. */
export function signsOn(words: Int32Array): CallSigns {
  let sequence = 0;
  return {
    enter(call: KernelCall, id: number): void {
      words[1] = KERNEL_CALLS.indexOf(call);
      words[2] = id;
      sequence = (sequence + 1) | 0;
      words[0] = sequence;
    },
    leave(): void {
      sequence = (sequence + 1) | 0;
      words[0] = sequence;
    },
  };
}

/** For where there is no board. */
export const NO_SIGNS: CallSigns = { enter: () => undefined, leave: () => undefined };
