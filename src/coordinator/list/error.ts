import { HoldfastError, type ErrorFacts } from '../../errors.js';

/**
 * What can go wrong with the lock list.
 *
 * - `NO_SPACE`: the disk or the quota is full. `WRITE_FAILED`: any other failure to write or
 *   sync. In both cases nothing of the append counts; the file is written anew by and by.
 * - `IN_USE`: another living process has this list. `CLAIM_FAILED`: that could not be found out.
 * - `NEWER_VERSION`: written by a newer Holdfast whose format this one does not know.
 * - `READ_FAILED`: the list exists and cannot be read.
 * - `BAD_RECORD`: a record that contradicts the list, or is too long; a caller's mistake.
 * - `BAD_HEADER`: a repair that would have to guess the lockspace.
 * - `LIMIT`: too many appends are waiting. `CLOSED`.
 */
export type ListErrorCode =
  | 'NO_SPACE' | 'WRITE_FAILED' | 'IN_USE' | 'CLAIM_FAILED' | 'NEWER_VERSION'
  | 'READ_FAILED' | 'BAD_RECORD' | 'BAD_HEADER' | 'LIMIT' | 'CLOSED';

/** An operating error of the lock list. */
export class ListError extends HoldfastError {
  readonly code: ListErrorCode;

  constructor(code: ListErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts);
    this.code = code;
  }
}

/** The errno name of what a file operation threw, such as `ENOSPC`; null when it has none. */
export function errnoOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null;
  return typeof thrown.code === 'string' ? thrown.code : null;
}

/** Turns a failed write or sync of `path` into a ListError; one that is one already is kept. */
export function asWriteError(thrown: unknown, path: string): ListError {
  if (thrown instanceof ListError) return thrown;
  const errno = errnoOf(thrown);
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new ListError(
      'NO_SPACE',
      `no space to write the lock list ${path} (${text}); free some`,
      { cause: thrown, retryable: true },
    );
  }
  return new ListError(
    'WRITE_FAILED',
    `the lock list ${path} could not be written (${text}); check the disk`,
    { cause: thrown, retryable: true },
  );
}
