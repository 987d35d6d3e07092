import { RefusedError } from '../control/error.js';

/** A lock that cannot be had, with the exit status that --conflict-exit-code asks for. */
export class ConflictError extends RefusedError {
  readonly exitCode: number;

  constructor(refused: RefusedError, exitCode: number) {
    super(refused.code, refused.message, refused);
    this.exitCode = exitCode;
  }
}
