import { HoldfastError, type ErrorFacts } from '../errors.js';
import type { CsErrorName } from '../native/status.js';

/**
 * What can go wrong with the quorum service: the names of cs_error_t (corotypes.h), then our own.
 * `UNKNOWN` keeps the native number in `status`.
 */
export type QuorumErrorCode = CsErrorName | 'UNKNOWN' | 'LIBRARY_MISSING' | 'LOST' | 'CLOSED';

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
