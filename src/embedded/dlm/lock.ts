import type { Grant, LockMode, LockValue } from '../../dlm/index.js';

/** What a request may ask for beside its mode; names as in dlm_lock(3) without DLM_LKF_. */
export interface LockFlags {
  /** NOQUEUE: refuse at once instead of queueing. */
  readonly noQueue?: boolean;
  /** PERSISTENT: outlive the owner as an orphan. Every convert replaces it. */
  readonly persistent?: boolean;
  /** EXPEDITE: a new NL lock is granted past the queues. Only with NL. */
  readonly expedite?: boolean;
  /** QUECVT: queue a convert behind the others even if it could be granted in place. */
  readonly queueConvert?: boolean;
  /** HEADQUE: enter the queue at its head. */
  readonly headOfQueue?: boolean;
  /** NODLCKWT: queue even where that would deadlock, instead of being told DEADLOCK. */
  readonly ignoreDeadlock?: boolean;
  /** CONVDEADLK: in a conversion deadlock give up the granted mode instead. */
  readonly demote?: boolean;
  /** NOORDER: granted as soon as it is compatible. */
  readonly noOrder?: boolean;
  /** NOQUEUEBAST: a refused request tells the holders all the same. */
  readonly noticeRefused?: boolean;
  /** ALTPR, ALTCW: also granted in one of these modes, tried in this order. */
  readonly alternative?: readonly LockMode[];
  /** VALBLK, to read or with what is written, or IVVALBLK. */
  readonly value?: 'read' | 'invalidate' | Uint8Array;
}

/** The process that opened the lockspace: told what happens to its locks. */
export interface LockOwner {
  readonly nodeId: number;
  readonly pid: number;
  /** False once the process is gone, also while its locks still await the clean-up. */
  readonly alive: boolean;
  notify(event: LockEvent): void;
}

/** Granted and at rest, converting from one mode to another, or waiting for its first grant. */
export type LockStatus =
  | { readonly kind: 'granted'; readonly mode: LockMode }
  | { readonly kind: 'converting'; readonly mode: LockMode; readonly to: LockMode }
  | { readonly kind: 'waiting'; readonly to: LockMode };

/** One lock as the kernel keeps it (an lkb). Identity is the object: lkids are reused. */
export interface EngineLock {
  readonly lkid: number;
  readonly resource: string;
  readonly nodeId: number;
  owner: LockOwner;
  status: LockStatus;
  flags: LockFlags;
  orphan: boolean;
  /** Rank of the strongest mode that a blocking notice was sent for since the last grant. */
  notifiedRank: number;
  /** The value block as this lock last read or wrote it, from which a new master recovers it. */
  valueCopy: { readonly bytes: Uint8Array; readonly sequence: number } | null;
  /** What the last request read, until the grant tells it. */
  read: LockValue | null;
  /** The granted mode was given up for the convert that is under way. */
  demoted: boolean;
}

/** How a request, convert, cancel or unlock ended. */
export type Completion = 'granted' | 'would-block' | 'canceled' | 'deadlock' | 'unlocked';

export type LockEvent =
  | {
      readonly kind: 'completed';
      readonly lock: EngineLock;
      readonly how: Exclude<Completion, 'granted'>;
    }
  | {
      readonly kind: 'completed';
      readonly lock: EngineLock;
      readonly how: 'granted';
      readonly grant: Grant;
    }
  | { readonly kind: 'blocking'; readonly lock: EngineLock; readonly mode: LockMode };

/** The mode that excludes others: null while the first grant is awaited. */
export function grantedMode(lock: EngineLock): LockMode | null {
  return lock.status.kind === 'waiting' ? null : lock.status.mode;
}

/** The mode asked for; null when nothing is asked. */
export function requestedMode(lock: EngineLock): LockMode | null {
  return lock.status.kind === 'granted' ? null : lock.status.to;
}
