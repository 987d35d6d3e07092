import { HoldfastError, type ErrorFacts } from '../errors.js';
import type { CsErrorName } from '../native/status.js';

/**
 * What can go wrong with the configuration map: the names of cs_error_t (corotypes.h), then our
 * own. `UNKNOWN` keeps the native number in `status`.
 *
 * `WRONG_TYPE`: the key is there with a value of another type. `TOO_MANY`: a bound on keys or
 * trackers was reached. `LOST`: corosync went away.
 */
export type CmapErrorCode =
  | CsErrorName | 'UNKNOWN' | 'LIBRARY_MISSING' | 'WRONG_TYPE' | 'TOO_MANY' | 'LOST' | 'CLOSED';

/** An operating error of the configuration map. */
export class CmapError extends HoldfastError {
  readonly code: CmapErrorCode;
  /** The C function or our own operation that failed. */
  readonly operation: string;
  /** The native cs_error_t, or null when the library was not asked. */
  readonly status: number | null;
  /** The key it was about, or null. */
  readonly key: string | null;

  constructor(
    code: CmapErrorCode,
    operation: string,
    message: string,
    facts: ErrorFacts & { readonly status?: number; readonly key?: string } = {},
  ) {
    super(message, facts);
    this.code = code;
    this.operation = operation;
    this.status = facts.status ?? null;
    this.key = facts.key ?? null;
  }
}
