import { HoldfastError, type ErrorFacts } from '../errors.js';

/**
 * What can go wrong with watching a process.
 *
 * - `LIBRARY_MISSING`: koffi or libc cannot be loaded. `UNSUPPORTED`: the kernel has no
 *   pidfd_open(2) (before Linux 5.3).
 * - `LIMIT`: no file descriptor is left; close some watch or raise LimitNOFILE.
 * - `SYSTEM`: any other errno, kept in `errno`.
 */
export type ProcessWatchErrorCode = 'LIBRARY_MISSING' | 'UNSUPPORTED' | 'LIMIT' | 'SYSTEM';

/** An operating error of the process watch. */
export class ProcessWatchError extends HoldfastError {
  readonly code: ProcessWatchErrorCode;
  /** Null when no system call failed. */
  readonly errno: number | null;

  constructor(
    code: ProcessWatchErrorCode,
    message: string,
    facts: ErrorFacts & { readonly errno?: number } = {},
  ) {
    super(message, facts);
    this.code = code;
    this.errno = facts.errno ?? null;
  }
}
