import { LKF_IVVALBLK, LKF_VALBLK } from '../constants.js';
import type { LockMode } from '../port.js';
import type { Failure } from '../protocol.js';
import type { ValueEffect } from '../value-effect.js';

/** What a request out in the kernel asked for, and for whom. */
export interface Asked {
  readonly op: number;
  readonly mode: LockMode;
  /** The LKF bits that the parent gave. */
  readonly flags: number;
}

/** Where one lock stands between the requests of the parent and the answers of the kernel. */
export type LockState =
  /** The NL request of a persistent take is out. */
  | { readonly kind: 'naming'; readonly asked: Asked; readonly wait: boolean }
  /** The NL request is out, and the take was cancelled meanwhile. */
  | { readonly kind: 'forsaken'; readonly asked: Asked; readonly failure: Failure }
  /** The only request of a take that is not persistent is out. */
  | { readonly kind: 'requesting'; readonly asked: Asked }
  /** The first conversion, from NL, is out. */
  | { readonly kind: 'taking'; readonly asked: Asked }
  /** A conversion of a held lock is out. */
  | {
      readonly kind: 'converting';
      readonly asked: Asked;
      readonly held: LockMode;
      readonly reads: boolean;
      /** The parent has asked to cancel it. */
      readonly cancelled: boolean;
    }
  | { readonly kind: 'held'; readonly mode: LockMode }
  /** The NL lock of a take that failed is being unlocked; then the take is told. */
  | { readonly kind: 'withdrawing'; readonly op: number; readonly failure: Failure }
  /** On its way down to NL, which writes the value or nothing; the unlock follows. */
  | {
      readonly kind: 'lowering';
      readonly op: number;
      readonly mode: LockMode;
      readonly value: Uint8Array | null;
    }
  /** `displaced` waits still, and is told with the unlock: only a forced unlock has one. */
  | {
      readonly kind: 'unlocking';
      readonly op: number;
      readonly mode: LockMode;
      /** It is in NL by now, for the sake of its value block. */
      readonly lowered: boolean;
      readonly displaced: { readonly op: number; readonly operation: string } | null;
    };

export interface Lock {
  readonly id: number;
  readonly resource: string;
  readonly persistent: boolean;
  /** It was an orphan: an answer to its dead process may still come. */
  readonly adopted: boolean;
  /**
   * Its last request had VALBLK. The kernel then writes at an unlock from PW or EX, whatever the
   * unlock says, and dlm_ls_unlock gives it bytes of its stack to write.
   */
  usesValue: boolean;
  state: LockState;
}

export type Lowering = Extract<LockState, { kind: 'lowering' }>;
export type Unlocking = Extract<LockState, { kind: 'unlocking' }>;
/** A lock with nothing under way, and the mode that it is held in. */
export interface IdleLock {
  readonly lock: Lock;
  readonly mode: LockMode;
}

/** What the request means to do to the value block. */
export function wantedEffect(flags: number, value: Uint8Array | null): ValueEffect {
  if ((flags & LKF_IVVALBLK) !== 0) {
    return 'write';
  }
  if ((flags & LKF_VALBLK) === 0) {
    return 'none';
  }
  return value === null ? 'read' : 'write';
}
