/**
 * Where the child says which kernel call it is in: a few words of shared memory, since a process
 * that is stuck in the kernel cannot be asked, and a message before every call would cost more
 * than the call.
 *
 * Words, little-endian int32: a sequence number, odd while a call is under way; the call, by its
 * place in `KERNEL_CALLS`; the lock's number.
 */
export const BOARD_BYTES = 16;

/** The calls into libdlm that can hang, in the order of their numbers on the board. */
export const KERNEL_CALLS = [
  'request', 'convert', 'adopt', 'unlock', 'cancel', 'deadlock-cancel', 'purge', 'open', 'release',
] as const;
export type KernelCall = (typeof KERNEL_CALLS)[number];

/** The call that is under way, as the board shows it. */
export interface BoardEntry {
  /** Tells one call from the next of the same kind. */
  readonly sequence: number;
  readonly call: KernelCall;
  /** 0 when it is about no lock. */
  readonly id: number;
}

/** Reads the board's bytes; null while no call is under way, and for what is no board. */
export function parseBoard(bytes: Uint8Array): BoardEntry | null {
  if (bytes.length < BOARD_BYTES) {
    return null;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sequence = view.getInt32(0, true);
  const call = KERNEL_CALLS[view.getInt32(4, true)];
  const id = view.getInt32(8, true);
  return (sequence & 1) === 1 && call !== undefined ? { sequence, call, id } : null;
}
