import type { KoffiFunc } from 'koffi';
import type { NativeCallback } from '../native/declare.js';
import type { NativeAddress, NativeMemory } from '../native/memory.js';
import type { NativePoll } from '../native/poll.js';
import type { DispatchWindow } from './dispatch-window.js';
import type { Multicast } from './multicast.js';

/** A libcpg handle; opaque. koffi gives a BigInt where a number would not hold it. */
export type CpgHandle = (number | bigint) & { readonly brand: 'CpgHandle' };

/** An iteration's handle; opaque. */
export type IterationHandle = (number | bigint) & { readonly brand: 'IterationHandle' };

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
  readonly cpg_deliver_fn: NativeCallback | null;
  readonly cpg_confchg_fn: NativeCallback | null;
  readonly cpg_totem_confchg_fn: NativeCallback | null;
  readonly flags: number;
}

export interface NativeName {
  readonly length: number;
  readonly value: Uint8Array;
}

export interface NativeIterationDescription {
  readonly group: NativeName;
  readonly nodeid: number;
  readonly pid: number;
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
  readonly cpg_context_get: KoffiFunc<(handle: CpgHandle, context: BigUint64Array) => number>;
  readonly cpg_context_set: KoffiFunc<(handle: CpgHandle, context: bigint) => number>;
  /** The list has room for CPG_MEMBERS_MAX, which the count does not limit. */
  readonly cpg_membership_get: KoffiFunc<
    (handle: CpgHandle, group: NativeName, list: Uint8Array, count: [number]) => number
  >;
  readonly cpg_local_get: KoffiFunc<(handle: CpgHandle, nodeid: [number]) => number>;
  readonly cpg_flow_control_state_get: KoffiFunc<
    (handle: CpgHandle, state: [number]) => number
  >;
  readonly cpg_iteration_initialize: KoffiFunc<
    (
      handle: CpgHandle, type: number, group: NativeName | null, out: [IterationHandle | null],
    ) => number
  >;
  readonly cpg_iteration_next: KoffiFunc<
    (iteration: IterationHandle, out: [NativeIterationDescription | null]) => number
  >;
  readonly cpg_iteration_finalize: KoffiFunc<(iteration: IterationHandle) => number>;
}

/** libcpg, and what reading its callbacks takes. */
export interface CpgLibrary extends CpgCalls, Pick<NativeMemory, 'decodeNodeIds'> {
  /** cpg_mcast_joined of one payload, the fast way. */
  readonly multicast: Multicast;
  /** Reads messages in the deliver callback that was given their address. */
  readonly window: Pick<DispatchWindow, 'look' | 'copy'>;
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
