import { LOCK_MODES, VALUE_BYTES } from './constants.js';
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
  | { readonly kind: 'blocking'; readonly id: number }
  /** Sent once, at the start: where the parent can read which kernel call is under way. */
  | { readonly kind: 'board'; readonly fd: number }
  | { readonly kind: 'log'; readonly message: string };

/** The request that this message is, or null when it is none. */
export function parseRequest(message: unknown): Request | null {
  if (!isRecord(message) || !isNumber(message['op'])) {
    return null;
  }
  const lock = isNumber(message['id']);
  const mode = isMode(message['mode']);
  const wait = typeof message['wait'] === 'boolean';
  const resource = typeof message['resource'] === 'string';
  const flags = isNumber(message['flags']);
  const value = isValue(message['value']);
  const valid: Readonly<Record<Request['kind'], boolean>> = {
    open: typeof message['lockspace'] === 'string' && flags
      && typeof message['exclusive'] === 'boolean',
    take: lock && mode && wait && resource && flags && typeof message['persistent'] === 'boolean',
    convert: lock && mode && wait && flags && value,
    cancel: lock,
    'deadlock-cancel': lock,
    unlock: lock && flags && value,
    adopt: lock && mode && resource,
    purge: isNumber(message['nodeId']) && isNumber(message['pid']),
    versions: true,
    release: isNumber(message['force']),
    ping: true,
  };
  const kind = message['kind'];
  return isKeyOf(valid, kind) && valid[kind] ? (message as unknown as Request) : null;
}

/** The reply that this message is, or null when it is none. */
export function parseReply(message: unknown): Reply | null {
  if (!isRecord(message)) {
    return null;
  }
  const op = isNumber(message['op']);
  const valid: Readonly<Record<Reply['kind'], boolean>> = {
    queued: op,
    done: op,
    granted: op && isMode(message['mode']) && isNumber(message['statusFlags'])
      && isValue(message['value']),
    versions: op && typeof message['kernel'] === 'string'
      && typeof message['library'] === 'string',
    failed: op && isFailure(message['failure']),
    blocking: isNumber(message['id']),
    board: isNumber(message['fd']),
    log: typeof message['message'] === 'string',
  };
  const kind = message['kind'];
  return isKeyOf(valid, kind) && valid[kind] ? (message as unknown as Reply) : null;
}

function isMode(value: unknown): value is LockMode {
  return LOCK_MODES.some((known) => known === value);
}

/** A lock value block is always whole: the kernel knows no other length from user space. */
function isValue(value: unknown): value is Uint8Array | null {
  return value === null || (value instanceof Uint8Array && value.length === VALUE_BYTES);
}

function isFailure(value: unknown): value is Failure {
  return isRecord(value)
    && typeof value['code'] === 'string'
    && typeof value['operation'] === 'string'
    && typeof value['message'] === 'string'
    && (value['status'] === null || isNumber(value['status']))
    && typeof value['retryable'] === 'boolean';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isKeyOf<T extends object>(table: T, key: unknown): key is Extract<keyof T, string> {
  return typeof key === 'string' && Object.hasOwn(table, key);
}
