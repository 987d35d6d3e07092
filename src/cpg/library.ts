import type { KoffiFunc } from 'koffi';
import type { NativeCallback } from '../native/declare.js';
import type { NativeAddress, NativeMemory } from '../native/memory.js';
import type { NativePoll } from '../native/poll.js';
import type { Multicast } from './multicast.js';

/** A libcpg handle; opaque. koffi gives a BigInt where a number would not hold it. */
export type CpgHandle = (number | bigint) & { readonly brand: 'CpgHandle' };

export interface NativeRingId {
  readonly nodeid: number;
  readonly seq: number | bigint;
}

export interface NativeAddressEntry {
  readonly nodeid: number;
  readonly pid: number;
  readonly reason: number;
}

/** What libcpg calls during cpg_dispatch. @see cpg_model_initialize(3) */
export interface NativeCallbacks {
  readonly deliver: (
    handle: CpgHandle, group: NativeAddress, nodeid: number, pid: number,
    msg: NativeAddress | null, msgLen: number,
  ) => void;
  readonly confchg: (
    handle: CpgHandle, group: NativeAddress,
    members: NativeAddress | null, memberCount: number,
    left: NativeAddress | null, leftCount: number,
    joined: NativeAddress | null, joinedCount: number,
  ) => void;
  readonly totemConfchg: (
    handle: CpgHandle, ring: NativeRingId, count: number, nodeIds: NativeAddress | null,
  ) => void;
}

export interface NativeModel {
  readonly model: number;
  readonly cpg_deliver_fn: NativeCallback;
  readonly cpg_confchg_fn: NativeCallback;
  readonly cpg_totem_confchg_fn: NativeCallback;
  readonly flags: number;
}

export interface NativeName {
  readonly length: number;
  readonly value: Uint8Array;
}

export interface NativeIovec {
  readonly iov_base: Uint8Array;
  readonly iov_len: number;
}

/** What interface.ts declares, typed. All return a cs_error_t. */
export interface CpgCalls {
  readonly cpg_model_initialize: KoffiFunc<
    (handle: [CpgHandle | null], model: number, data: NativeModel, context: null) => number
  >;
  readonly cpg_finalize: KoffiFunc<(handle: CpgHandle) => number>;
  readonly cpg_fd_get: KoffiFunc<(handle: CpgHandle, fd: [number]) => number>;
  readonly cpg_max_atomic_msgsize_get: KoffiFunc<(handle: CpgHandle, size: [number]) => number>;
  readonly cpg_dispatch: KoffiFunc<(handle: CpgHandle, flags: number) => number>;
  readonly cpg_join: KoffiFunc<(handle: CpgHandle, group: NativeName) => number>;
  readonly cpg_leave: KoffiFunc<(handle: CpgHandle, group: NativeName) => number>;
  readonly cpg_mcast_joined: KoffiFunc<
    (handle: CpgHandle, guarantee: number, iovec: NativeIovec, count: number) => number
  >;
  readonly cpg_local_get: KoffiFunc<(handle: CpgHandle, nodeid: [number]) => number>;
}

/** libcpg, and what reading its callbacks takes. */
export interface CpgLibrary extends CpgCalls, Pick<NativeMemory, 'decodeNodeIds'> {
  /** cpg_mcast_joined of one payload, the fast way. */
  readonly multicast: Multicast;
  /** Copies a message in the deliver callback that was given its address. */
  copyMessage(from: NativeAddress | null, bytes: number): Uint8Array;
  /** Turns the callbacks into C function pointers; `release` them after the handle is gone. */
  register(callbacks: NativeCallbacks): {
    readonly deliver: NativeCallback;
    readonly confchg: NativeCallback;
    readonly totemConfchg: NativeCallback;
    release(): void;
  };
  decodeAddresses(from: NativeAddress | null, count: number): readonly NativeAddressEntry[];
  poll(fd: number, readable: () => void): NativePoll;
}
