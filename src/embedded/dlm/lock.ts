import type { LockMode } from '../../dlm/index.js';

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
  /** Place for the lock value block, 32 bytes; not served yet. */
  valueBlock: Uint8Array | null;
}

/** How a request, convert, cancel or unlock ended. */
export type Completion = 'granted' | 'would-block' | 'canceled' | 'deadlock' | 'unlocked';

export type LockEvent =
  | { readonly kind: 'completed'; readonly lock: EngineLock; readonly how: Completion }
  | { readonly kind: 'blocking'; readonly lock: EngineLock; readonly mode: LockMode };

/** The mode that excludes others: null while the first grant is awaited. */
export function grantedMode(lock: EngineLock): LockMode | null {
  return lock.status.kind === 'waiting' ? null : lock.status.mode;
}

/** The mode asked for; null when nothing is asked. */
export function requestedMode(lock: EngineLock): LockMode | null {
  return lock.status.kind === 'granted' ? null : lock.status.to;
}
