import type { KoffiFunc } from 'koffi';
import type { NativeCallback } from '../native/declare.js';
import type { Lane } from '../native/lane.js';
import type { NativeAddress, NativeMemory } from '../native/memory.js';
import type { NativePoll } from '../native/poll.js';

/** A libquorum handle; opaque. koffi gives a BigInt where a number would not hold it. */
export type QuorumHandle = (number | bigint) & { readonly brand: 'QuorumHandle' };

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

/** What interface.ts declares, typed. All return a cs_error_t. */
export interface QuorumCalls {
  readonly quorum_model_initialize: KoffiFunc<
    (
      handle: [QuorumHandle | null], model: number, data: NativeModel,
      quorumType: [number], context: null,
    ) => number
  >;
  readonly quorum_finalize: KoffiFunc<(handle: QuorumHandle) => number>;
  readonly quorum_fd_get: KoffiFunc<(handle: QuorumHandle, fd: [number]) => number>;
  readonly quorum_dispatch: KoffiFunc<(handle: QuorumHandle, flags: number) => number>;
  readonly quorum_getquorate: KoffiFunc<(handle: QuorumHandle, quorate: [number]) => number>;
  readonly quorum_trackstart: KoffiFunc<(handle: QuorumHandle, flags: number) => number>;
  readonly quorum_trackstop: KoffiFunc<(handle: QuorumHandle) => number>;
}

/** libquorum, and what reading its callbacks takes. */
export interface QuorumLibrary extends QuorumCalls, NativeMemory {
  /** For every call of this library, also quorum_dispatch. */
  readonly lane: Lane;
  /** Turns the callbacks into C function pointers; `release` them after the handle is gone. */
  register(callbacks: NativeCallbacks): {
    readonly quorumNotify: NativeCallback;
    readonly nodelistNotify: NativeCallback;
    release(): void;
  };
  poll(fd: number, readable: () => void): NativePoll;
}
