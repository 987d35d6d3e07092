import type { KoffiFunc, TypeObject } from 'koffi';

/** A libquorum handle; opaque. koffi gives a BigInt where a number would not hold it. */
export type QuorumHandle = (number | bigint) & { readonly brand: 'QuorumHandle' };
/** An address inside C memory, valid only during the callback that was given it. */
export type NativeAddress = bigint & { readonly brand: 'NativeAddress' };
/** A C function pointer made of a JS function; release it, in a later turn than its last call. */
export type NativeCallback = bigint & { readonly brand: 'NativeCallback' };

export interface NativeRingId {
  readonly nodeid: number;
  readonly seq: number | bigint;
}

/** What libquorum calls during quorum_dispatch. @see quorum_model_initialize(3) */
export interface NativeCallbacks {
  readonly quorumNotify: (
    handle: QuorumHandle, quorate: number, ring: NativeRingId,
    memberCount: number, members: NativeAddress | null,
  ) => void;
  readonly nodelistNotify: (
    handle: QuorumHandle, ring: NativeRingId,
    memberCount: number, members: NativeAddress | null,
    joinedCount: number, joined: NativeAddress | null,
    leftCount: number, left: NativeAddress | null,
  ) => void;
}

export interface NativeModel {
  readonly model: number;
  readonly quorum_notify_fn: NativeCallback;
  readonly nodelist_notify_fn: NativeCallback;
}

/** The parts of libquorum that we use, typed, in the header's order. All return a cs_error_t. */
export interface QuorumLibrary {
  readonly quorum_model_initialize: KoffiFunc<
    (
      handle: [QuorumHandle | null], model: number, data: NativeModel,
      quorumType: [number], context: null,
    ) => number
  >;
  readonly quorum_finalize: KoffiFunc<(handle: QuorumHandle) => number>;
  readonly quorum_fd_get: KoffiFunc<(handle: QuorumHandle, fd: [number]) => number>;
  readonly quorum_dispatch: KoffiFunc<(handle: QuorumHandle, flags: number) => number>;
  readonly quorum_trackstart: KoffiFunc<(handle: QuorumHandle, flags: number) => number>;

  /** Turns the callbacks into C function pointers; `release` them after the handle is gone. */
  register(callbacks: NativeCallbacks): {
    readonly quorumNotify: NativeCallback;
    readonly nodelistNotify: NativeCallback;
    release(): void;
  };
  decodeNodeIds(from: NativeAddress | null, count: number): readonly number[];
  /** Watches a descriptor for readability and hang-up, level-triggered. */
  poll(fd: number, callback: () => void): NativePoll;
  /** The struct types as declared, for the check against the installed headers. */
  readonly types: Readonly<Record<string, TypeObject>>;
}

/** A second `close` is harmless; any other call after it crashes the process. */
export interface NativePoll {
  close(): void;
}
