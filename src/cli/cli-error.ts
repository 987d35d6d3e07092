import { HoldfastError, type ErrorFacts } from '../errors.js';

/**
 * - `USAGE`: the command line is wrong. `INTERRUPTED`: a signal ended a wait; `exitCode` is 128
 *   plus its number. `NO_PROCESS`: the owning process does not exist.
 */
export type CliErrorCode = 'USAGE' | 'INTERRUPTED' | 'NO_PROCESS';

export class CliError extends HoldfastError {
  readonly code: CliErrorCode;
  readonly exitCode: number;

  constructor(code: CliErrorCode, exitCode: number, message: string, facts: ErrorFacts = {}) {
    super(message, facts);
    this.code = code;
    this.exitCode = exitCode;
  }
}
