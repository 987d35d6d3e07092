import type { KoffiFunc, TypeObject } from 'koffi';

/** A libcpg handle; opaque. koffi gives a BigInt where a number would not hold it. */
export type CpgHandle = (number | bigint) & { readonly brand: 'CpgHandle' };
/** An address inside C memory, valid only during the callback that was given it. */
export type NativeAddress = bigint & { readonly brand: 'NativeAddress' };
/** A C function pointer made of a JS function; release it, in a later turn than its last call. */
export type NativeCallback = bigint & { readonly brand: 'NativeCallback' };

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

/** The parts of libcpg that we use, typed, in the header's order. All return a cs_error_t. */
export interface CpgLibrary {
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

  /** Turns the callbacks into C function pointers; `release` them after the handle is gone. */
  register(callbacks: NativeCallbacks): {
    readonly deliver: NativeCallback;
    readonly confchg: NativeCallback;
    readonly totemConfchg: NativeCallback;
    release(): void;
  };
  /** Copies bytes out of C memory. */
  copyBytes(from: NativeAddress | null, bytes: number): Uint8Array;
  decodeAddresses(from: NativeAddress | null, count: number): readonly NativeAddressEntry[];
  decodeNodeIds(from: NativeAddress | null, count: number): readonly number[];
  /** Watches a descriptor for readability and hang-up, level-triggered. */
  poll(fd: number, callback: () => void): NativePoll;
  /** The struct types as declared, for the check against the installed headers. */
  readonly types: Readonly<Record<string, TypeObject>>;
}

/** Any call on it after `close` crashes the process: callers keep it in their state. */
export interface NativePoll {
  stop(): void;
  start(): void;
  close(): void;
}
