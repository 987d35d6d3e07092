import { CS_OK } from '../native/corotypes.js';
import { factsOf } from '../native/status.js';
import { CpgError } from './error.js';

export { isFatal } from '../native/status.js';

/** Throws the CpgError of a native status unless it is CS_OK. @see corotypes.h, cs_error_t */
export function check(operation: string, status: number): void {
  if (status !== CS_OK) throw errorOf(operation, status);
}

/** The error of a native status; an unknown number becomes `UNKNOWN` and is kept in `status`. */
export function errorOf(operation: string, status: number): CpgError {
  const { code, retryable, text } = factsOf(status, operation === 'cpg_model_initialize');
  const said = code === 'EXIST' ? 'this process is already in a group of that name' : text;
  return new CpgError(code, operation, `${operation}: ${said}`, { status, retryable });
}
