import type { KoffiFunc } from 'koffi';
import type { Koffi } from './koffi.js';

/** More nodes than any ring has: totem stops at 384. */
export const NODE_IDS_MAX = 1_024;

/** An address inside C memory, valid only during the callback that was given it. */
export type NativeAddress = bigint & { readonly brand: 'NativeAddress' };

/** Reads what C hands to a callback. */
export interface NativeMemory {
  /** Copies bytes out of C memory. */
  copyBytes(from: NativeAddress | null, bytes: number): Uint8Array;
  /** Reads an array of uint32_t. Throws a RangeError above NODE_IDS_MAX. */
  decodeNodeIds(from: NativeAddress | null, count: number): readonly number[];
}

/** memcpy of libc is the fastest way out that was measured, and it keeps no reference. */
export function nativeMemory(koffi: Koffi): NativeMemory {
  const memcpy = koffi.load('libc.so.6').func('memcpy', 'void *', ['void *', 'void *', 'size_t']) as
    KoffiFunc<(to: Uint8Array, from: NativeAddress, bytes: number) => NativeAddress>;
  return {
    copyBytes(from, bytes) {
      const copy = Buffer.allocUnsafe(bytes);
      if (bytes > 0 && from !== null) memcpy(copy, from, bytes);
      return copy;
    },
    decodeNodeIds(from, count) {
      if (from === null || count === 0) return [];
      if (count > NODE_IDS_MAX) throw new RangeError(`a list of ${count} nodes cannot be right`);
      return Array.from(koffi.decode(from, 'uint32_t', count) as ArrayLike<number>);
    },
  };
}
