import { HoldfastError, type ErrorFacts } from '../errors.js';
import type { CsErrorName } from '../native/status.js';

/**
 * What can go wrong with the group service: the names of cs_error_t (corotypes.h), then our own.
 * `UNKNOWN` keeps the native number in `status`. `QUEUE_FULL` without a status is our own queue.
 */
export type CpgErrorCode =
  | CsErrorName | 'UNKNOWN' | 'LIBRARY_MISSING' | 'NOT_JOINED' | 'LOST' | 'CLOSED';

/** An operating error of the group service. */
export class CpgError extends HoldfastError {
  readonly code: CpgErrorCode;
  /** The C function or our own operation that failed. */
  readonly operation: string;
  /** The native cs_error_t, or null when the library was not asked. */
  readonly status: number | null;

  constructor(
    code: CpgErrorCode,
    operation: string,
    message: string,
    facts: ErrorFacts & { readonly status?: number } = {},
  ) {
    super(message, facts);
    this.code = code;
    this.operation = operation;
    this.status = facts.status ?? null;
  }
}
