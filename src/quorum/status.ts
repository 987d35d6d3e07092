import { CS_OK } from '../native/corotypes.js';
import { factsOf } from '../native/status.js';
import { QuorumError } from './error.js';

/** Throws the QuorumError of a native status unless it is CS_OK. @see corotypes.h, cs_error_t */
export function check(operation: string, status: number): void {
  if (status !== CS_OK) throw errorOf(operation, status);
}

/** The error of a native status; an unknown number becomes `UNKNOWN` and is kept in `status`. */
export function errorOf(operation: string, status: number): QuorumError {
  const { code, retryable, text } = factsOf(status, operation === 'quorum_model_initialize');
  return new QuorumError(code, operation, `${operation}: ${text}`, { status, retryable });
}
