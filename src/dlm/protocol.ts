import type { DlmErrorCode } from './error.js';
import type { LockMode } from './port.js';

/**
 * What the parent asks of the child. `op` numbers the request, `id` the lock; both are given out
 * by the parent, so that a request can be cancelled before the child has even read it.
 *
 * `flags` are LKF bits beside those that follow from the other fields (for `open`: DLM_LSFL bits).
 * `value` is the lock value block to write; null with LKF_VALBLK means that it is read.
 */
export type Request =
  | {
      readonly kind: 'open';
      readonly op: number;
      readonly lockspace: string;
      readonly flags: number;
      /** Fail when the lockspace is in this kernel already, instead of opening it. */
      readonly exclusive: boolean;
    }
  | {
      readonly kind: 'take';
      readonly op: number;
      readonly id: number;
      readonly resource: string;
      readonly mode: LockMode;
      readonly wait: boolean;
      readonly persistent: boolean;
      readonly flags: number;
    }
  | {
      readonly kind: 'convert';
      readonly op: number;
      readonly id: number;
      readonly mode: LockMode;
      readonly wait: boolean;
      readonly flags: number;
      readonly value: Uint8Array | null;
    }
  | { readonly kind: 'cancel'; readonly op: number; readonly id: number }
  /** Cancels as a deadlock detector would: what waited ends with EDEADLK. */
  | { readonly kind: 'deadlock-cancel'; readonly op: number; readonly id: number }
  | {
      readonly kind: 'unlock';
      readonly op: number;
      readonly id: number;
      readonly flags: number;
      readonly value: Uint8Array | null;
    }
  | {
      readonly kind: 'adopt';
      readonly op: number;
      readonly id: number;
      readonly resource: string;
      readonly mode: LockMode;
    }
  | {
      readonly kind: 'purge';
      readonly op: number;
      readonly nodeId: number;
      readonly pid: number;
    }
  | { readonly kind: 'versions'; readonly op: number }
  | { readonly kind: 'release'; readonly op: number; readonly force: number }
  | { readonly kind: 'ping'; readonly op: number };

/** How an operation failed, as it travels; the parent makes a DlmError of it. */
export interface Failure {
  readonly code: DlmErrorCode;
  readonly operation: string;
  readonly message: string;
  readonly status: number | null;
  readonly retryable: boolean;
}

/**
 * What the child tells the parent. `queued` = the kernel call of a waiting request has returned
 * and the lock stands in the kernel's queue: from now on it may take as long as it likes.
 * Each request is answered by exactly one `done`, `granted`, `versions` or `failed`.
 */
export type Reply =
  | { readonly kind: 'queued'; readonly op: number }
  | { readonly kind: 'done'; readonly op: number }
  /** A take or convert was granted and there is more to say of it than that. */
  | {
      readonly kind: 'granted';
      readonly op: number;
      readonly mode: LockMode;
      /** DLM_SBF bits. */
      readonly statusFlags: number;
      /** The lock value block that was read, 32 bytes; null when none was. */
      readonly value: Uint8Array | null;
    }
  | {
      readonly kind: 'versions';
      readonly op: number;
      readonly kernel: string;
      readonly library: string;
    }
  | { readonly kind: 'failed'; readonly op: number; readonly failure: Failure }
  /** Somebody waits for `mode` on this lock. */
  | { readonly kind: 'blocking'; readonly id: number; readonly mode: LockMode }
  /** Sent once, at the start: where the parent can read which kernel call is under way. */
  | { readonly kind: 'board'; readonly fd: number }
  | { readonly kind: 'log'; readonly message: string };
