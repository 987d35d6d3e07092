import { HoldfastError, type ErrorFacts } from '../errors.js';

/**
 * `LISTENER_THREW`: a listener threw; `cause` is what it threw.
 * `LISTENER_INVALID`: what was given to `on` or `once` cannot be called.
 */
export type ListenerErrorCode = 'LISTENER_THREW' | 'LISTENER_INVALID';

/** A mistake in an event listener of the caller's. */
export class ListenerError extends HoldfastError {
  readonly code: ListenerErrorCode;
  readonly operation: string;
  /** No library was asked. */
  readonly status = null;

  constructor(
    code: ListenerErrorCode, operation: string, message: string, facts: ErrorFacts = {},
  ) {
    super(message, facts);
    this.code = code;
    this.operation = operation;
  }
}
