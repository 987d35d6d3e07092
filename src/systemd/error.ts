import { HoldfastError, type ErrorFacts } from '../errors.js';

export type SystemdErrorCode = 'LIBRARY_MISSING';

/** systemd's library cannot be used. */
export class SystemdError extends HoldfastError {
  readonly code: SystemdErrorCode;

  constructor(code: SystemdErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts);
    this.code = code;
  }
}
