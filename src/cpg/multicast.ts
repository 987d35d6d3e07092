import type { KoffiFunc, LibraryHandle } from 'koffi';
import type { Koffi } from '../native/koffi.js';
import type { CpgCalls, CpgHandle } from './library.js';

/** Up to here a payload goes through a buffer that stays in C memory, in bytes. */
const STAGE_BYTES = 16 << 10;
/** struct iovec: iov_base and iov_len, eight bytes each. @see readv(2) */
const IOVEC_BYTES = 16;

/** Sends a payload as one message; returns a cs_error_t. */
export type Multicast = (handle: CpgHandle, guarantee: number, payload: Uint8Array) => number;

/**
 * Makes the function that sends. Small payloads are copied to a stage in C memory to which an
 * iovec there points for good: making an iovec of a JS object costs five times the call itself.
 * libcpg copies to shared memory before it returns, so that one stage serves the whole process.
 */
export function stagedMulticast(
  koffi: Koffi, library: LibraryHandle, { cpg_mcast_joined: multicast }: CpgCalls,
): Multicast {
  const staged = library.func('cpg_mcast_joined', 'int', [
    'uint64_t', 'int', 'uintptr_t', 'unsigned int',
  ]) as KoffiFunc<(h: CpgHandle, guarantee: number, iovec: number, count: number) => number>;
  const stageAddress = koffi.alloc('uint8_t', STAGE_BYTES) as bigint;
  const iovecAddress = koffi.alloc('uint8_t', IOVEC_BYTES) as bigint;
  const stage = new Uint8Array(koffi.view(stageAddress, STAGE_BYTES));
  const iovec = new BigUint64Array(koffi.view(iovecAddress, IOVEC_BYTES));
  iovec[0] = stageAddress;
  // Its low half is all that a length within the stage needs, and no BigInt has to be made.
  const length = new Uint32Array(iovec.buffer, 8, 1);
  iovec[1] = 0n;
  const iovecNumber = Number(iovecAddress);
  return (handle, guarantee, payload) => {
    const bytes = payload.byteLength;
    if (bytes > STAGE_BYTES) {
      return multicast(handle, guarantee, { iov_base: payload, iov_len: bytes }, 1);
    }
    stage.set(payload);
    length[0] = bytes;
    return staged(handle, guarantee, iovecNumber, 1);
  };
}
