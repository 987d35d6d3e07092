import { HoldfastError, type ErrorFacts } from '../errors.js';

/** Mirrors the cs_error_t values that libquorum returns, then our own. */
export type QuorumErrorCode =
  | 'LIBRARY' | 'TRY_AGAIN' | 'INVALID_PARAM' | 'NO_MEMORY' | 'BAD_HANDLE' | 'ACCESS'
  | 'NOT_EXIST' | 'NOT_SUPPORTED' | 'UNKNOWN'
  | 'LIBRARY_MISSING' | 'LOST' | 'CLOSED';

/** An operating error of the quorum service. */
export class QuorumError extends HoldfastError {
  readonly code: QuorumErrorCode;
  readonly operation: string;
  /** The native cs_error_t, or null when the library was not asked. */
  readonly status: number | null;

  constructor(
    code: QuorumErrorCode,
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
