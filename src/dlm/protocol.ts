import { LOCK_MODES } from './constants.js';
import type { DlmErrorCode } from './error.js';
import type { LockMode } from './port.js';

/**
 * What the parent asks of the child. `op` numbers the request, `id` the lock; both are given out
 * by the parent, so that a request can be cancelled before the child has even read it.
 */
export type Request =
  | { readonly kind: 'open'; readonly op: number; readonly lockspace: string }
  | {
      readonly kind: 'take';
      readonly op: number;
      readonly id: number;
      readonly resource: string;
      readonly mode: LockMode;
      readonly wait: boolean;
    }
  | {
      readonly kind: 'convert';
      readonly op: number;
      readonly id: number;
      readonly mode: LockMode;
      readonly wait: boolean;
    }
  | { readonly kind: 'cancel'; readonly op: number; readonly id: number }
  | { readonly kind: 'unlock'; readonly op: number; readonly id: number }
  | {
      readonly kind: 'adopt';
      readonly op: number;
      readonly id: number;
      readonly resource: string;
      readonly mode: LockMode;
    }
  | { readonly kind: 'release'; readonly op: number; readonly force: boolean }
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
 * Each request is answered by exactly one `done` or `failed`.
 */
export type Reply =
  | { readonly kind: 'queued'; readonly op: number }
  | { readonly kind: 'done'; readonly op: number }
  | { readonly kind: 'failed'; readonly op: number; readonly failure: Failure }
  | { readonly kind: 'blocking'; readonly id: number }
  | { readonly kind: 'log'; readonly message: string };

/** The request that this message is, or null when it is none. */
export function parseRequest(message: unknown): Request | null {
  if (!isRecord(message) || !isNumber(message['op'])) {
    return null;
  }
  const lock = isNumber(message['id']);
  const mode = LOCK_MODES.some((known) => known === message['mode']);
  const wait = typeof message['wait'] === 'boolean';
  const resource = typeof message['resource'] === 'string';
  const valid: Readonly<Record<Request['kind'], boolean>> = {
    open: typeof message['lockspace'] === 'string',
    take: lock && mode && wait && resource,
    convert: lock && mode && wait,
    cancel: lock,
    unlock: lock,
    adopt: lock && mode && resource,
    release: typeof message['force'] === 'boolean',
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
    failed: op && isFailure(message['failure']),
    blocking: isNumber(message['id']),
    log: typeof message['message'] === 'string',
  };
  const kind = message['kind'];
  return isKeyOf(valid, kind) && valid[kind] ? (message as unknown as Reply) : null;
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
