/** What every operating error of Holdfast carries; a programmer's bug is an `assert` instead. */
export interface ErrorFacts {
  /** True when the same call may succeed later without anything being changed by hand. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * The root of all errors that Holdfast throws on purpose.
 *
 * Callers tell errors apart by class and by `code`, never by the text of the message. The message
 * says what happened, to what, and what to do about it.
 */
export abstract class HoldfastError extends Error {
  /** A literal of the subclass, stable across versions. */
  abstract readonly code: string;
  readonly retryable: boolean;

  protected constructor(message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.retryable = facts.retryable ?? false;
  }
}

/** The text of anything that was thrown, for a message or a log line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
