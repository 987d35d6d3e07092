import { HoldfastError, type ErrorFacts } from '../errors.js';

/**
 * What can go wrong with the lock manager.
 *
 * - `WOULD_BLOCK`: not granted at once (EAGAIN of NOQUEUE). `CANCELED`: a waiting convert was
 *   cancelled. `DEADLOCK`: EDEADLK.
 * - `NO_ORPHAN`: nothing of that name to adopt on this node (ENOENT). `OTHER_MODE`: an orphan of
 *   that name exists in another mode (EAGAIN of an adoption).
 * - `NO_KERNEL`: dlm.ko is not loaded. `NO_DAEMON`: dlm_controld is away. `NO_PERMISSION`.
 *   `LIBRARY_MISSING`: libdlm.so.3 is not installed. `LOCKSPACE_BUSY`: locks remain in it.
 *   `LOCKSPACE_EXISTS`: asked for a new one, and this node is in it already.
 * - `CHILD_LOST`: the process that speaks to libdlm ended; every lock id of it is void.
 * - `BAD_REQUEST`: refused before libdlm was asked. `CLOSED`. `KERNEL`: any other errno, kept.
 */
export type DlmErrorCode =
  | 'WOULD_BLOCK' | 'CANCELED' | 'DEADLOCK' | 'NO_ORPHAN' | 'OTHER_MODE'
  | 'NO_KERNEL' | 'NO_DAEMON' | 'NO_PERMISSION' | 'LIBRARY_MISSING' | 'LOCKSPACE_BUSY'
  | 'LOCKSPACE_EXISTS'
  | 'CHILD_LOST' | 'BAD_REQUEST' | 'UNKNOWN_LOCK' | 'CLOSED' | 'KERNEL';

/** An operating error of the lock manager. */
export class DlmError extends HoldfastError {
  readonly code: DlmErrorCode;
  readonly operation: string;
  /** A positive errno or DLM status (0x10001 …), or null when the kernel was not asked. */
  readonly status: number | null;

  constructor(
    code: DlmErrorCode,
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
