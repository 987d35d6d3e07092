import { HoldfastError, type ErrorFacts } from '../errors.js';

/**
 * What can go wrong with the group service. The first block mirrors cs_error_t (corotypes.h); the
 * second is our own. `UNKNOWN` keeps the native number in `status`.
 */
export type CpgErrorCode =
  | 'LIBRARY' | 'TIMEOUT' | 'TRY_AGAIN' | 'INVALID_PARAM' | 'NO_MEMORY' | 'BAD_HANDLE' | 'BUSY'
  | 'ACCESS' | 'NOT_EXIST' | 'NAME_TOO_LONG' | 'EXIST' | 'INTERRUPT' | 'NOT_SUPPORTED'
  | 'TOO_BIG' | 'UNKNOWN'
  | 'LIBRARY_MISSING' | 'QUEUE_FULL' | 'NOT_JOINED' | 'LOST' | 'CLOSED';

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
