import type { KoffiFunc } from 'koffi';
import type { NativeCallback } from '../native/declare.js';
import type { Lane } from '../native/lane.js';
import type { NativeAddress, NativeMemory } from '../native/memory.js';
import type { NativePoll } from '../native/poll.js';

/** A libcmap handle; opaque. koffi gives a BigInt where a number would not hold it. */
export type CmapHandle = (number | bigint) & { readonly brand: 'CmapHandle' };
export type CmapIterHandle = (number | bigint) & { readonly brand: 'CmapIterHandle' };
export type CmapTrackHandle = (number | bigint) & { readonly brand: 'CmapTrackHandle' };

/** struct cmap_notify_value; type 0 for no value. */
export interface NativeNotifyValue {
  readonly type: number;
  readonly len: number;
  readonly data: NativeAddress | null;
}

/** What libcmap calls during cmap_dispatch. @see cmap_track_add(3) */
export type NativeNotify = (
  handle: CmapHandle, track: CmapTrackHandle, event: number, key: string,
  newValue: NativeNotifyValue, oldValue: NativeNotifyValue, userData: number,
) => void;

/** What interface.ts declares, typed. All return a cs_error_t. */
export interface CmapCalls {
  readonly cmap_initialize_map: KoffiFunc<(handle: [CmapHandle | null], map: number) => number>;
  readonly cmap_finalize: KoffiFunc<(handle: CmapHandle) => number>;
  readonly cmap_fd_get: KoffiFunc<(handle: CmapHandle, fd: [number]) => number>;
  readonly cmap_dispatch: KoffiFunc<(handle: CmapHandle, flags: number) => number>;
  readonly cmap_set: KoffiFunc<
    (handle: CmapHandle, key: string, value: Uint8Array, length: number, type: number) => number
  >;
  readonly cmap_delete: KoffiFunc<(handle: CmapHandle, key: string) => number>;
  readonly cmap_get: KoffiFunc<
    (
      handle: CmapHandle, key: string, value: Uint8Array, length: [number], type: [number],
    ) => number
  >;
  readonly cmap_inc: KoffiFunc<(handle: CmapHandle, key: string) => number>;
  readonly cmap_dec: KoffiFunc<(handle: CmapHandle, key: string) => number>;
  readonly cmap_iter_init: KoffiFunc<
    (handle: CmapHandle, prefix: string | null, iterator: [CmapIterHandle | null]) => number
  >;
  readonly cmap_iter_next: KoffiFunc<
    (
      handle: CmapHandle, iterator: CmapIterHandle, key: Uint8Array, length: [number],
      type: [number],
    ) => number
  >;
  readonly cmap_iter_finalize: KoffiFunc<(handle: CmapHandle, iterator: CmapIterHandle) => number>;
  readonly cmap_track_add: KoffiFunc<
    (
      handle: CmapHandle, key: string | null, kinds: number, notify: NativeCallback,
      userData: number, track: [CmapTrackHandle | null],
    ) => number
  >;
  readonly cmap_track_delete: KoffiFunc<(handle: CmapHandle, track: CmapTrackHandle) => number>;
}

/** libcmap, and what reading its callbacks takes. */
export interface CmapLibrary extends CmapCalls, NativeMemory {
  /** For every call of this library, also cmap_dispatch. */
  readonly lane: Lane;
  /** Turns the callback into a C function pointer; `release` it after the handle is gone. */
  register(notify: NativeNotify): { readonly notify: NativeCallback; release(): void };
  poll(fd: number, readable: () => void): NativePoll;
}
