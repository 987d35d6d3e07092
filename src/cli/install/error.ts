import { HoldfastError, type ErrorFacts } from '../../errors.js';

/**
 * - `RECORD`: the note of an earlier installation cannot be used. `FAILED`: a file cannot be read,
 *   written or removed. `INCOMPLETE`: this package lacks a file that it should bring.
 */
export type InstallErrorCode = 'RECORD' | 'FAILED' | 'INCOMPLETE';

export class InstallError extends HoldfastError {
  readonly code: InstallErrorCode;

  constructor(code: InstallErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts);
    this.code = code;
  }
}
