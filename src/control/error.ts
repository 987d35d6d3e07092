import type { CoordinatorErrorCode } from '../coordinator/error.js';
import type { LockView } from '../coordinator/core/view.js';
import { HoldfastError, type ErrorFacts } from '../errors.js';

/**
 * Why the control socket cannot be served or used.
 *
 * Server: `SOCKET_IN_USE`, a living daemon answers on it. `SOCKET_TAKEN`, the path is something
 * else than a socket. `SOCKET_NO_PERMISSION`, the path may not be used by this user.
 * `SOCKET_FAILED`, the system refused it otherwise.
 *
 * Client: `DAEMON_NOT_RUNNING`, nobody answers. `NO_PERMISSION`, this user may not connect.
 * `TIMEOUT`, no answer in time. `CONNECTION_LOST`, the daemon hung up without an answer.
 * `BAD_REPLY`, an answer that this version does not understand. `CANCELED`, by the caller.
 * `WATCH_ENDED`, the daemon closed the stream and said why.
 */
export type ControlErrorCode =
  | 'SOCKET_IN_USE' | 'SOCKET_TAKEN' | 'SOCKET_NO_PERMISSION' | 'SOCKET_FAILED'
  | 'DAEMON_NOT_RUNNING' | 'NO_PERMISSION' | 'TIMEOUT' | 'CONNECTION_LOST'
  | 'BAD_REPLY' | 'CANCELED' | 'WATCH_ENDED';

export class ControlError extends HoldfastError {
  readonly code: ControlErrorCode;
  readonly socketPath: string;

  constructor(
    code: ControlErrorCode,
    socketPath: string,
    message: string,
    facts: ErrorFacts = {},
  ) {
    super(message, facts);
    this.code = code;
    this.socketPath = socketPath;
  }
}

/** One field of a request that breaks its rule. */
export interface RequestProblem {
  /** The field, such as `owner.name`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * What a server answers instead of a result: the coordinator's codes and three of its own.
 * `BAD_REQUEST`: `problems` says which fields. `INTERNAL`: a bug or a fault, in the daemon's log.
 * `NOT_FOUND`: no such address; the daemon is of another version.
 */
export type RefusalCode = CoordinatorErrorCode | 'BAD_REQUEST' | 'NOT_FOUND' | 'INTERNAL';

/** The daemon answered, and its answer is no. */
export class RefusedError extends HoldfastError {
  /** `UNKNOWN` for a code that only a newer daemon knows; `serverCode` has it literally. */
  readonly code: RefusalCode | 'UNKNOWN';
  readonly serverCode: string;
  /** Who is in the way, as far as the daemon knows. */
  readonly holders: readonly LockView[];
  readonly problems: readonly RequestProblem[];

  constructor(
    code: RefusalCode | 'UNKNOWN',
    message: string,
    facts: ErrorFacts & {
      readonly serverCode: string;
      readonly holders: readonly LockView[];
      readonly problems: readonly RequestProblem[];
    },
  ) {
    super(message, facts);
    this.code = code;
    this.serverCode = facts.serverCode;
    this.holders = facts.holders;
    this.problems = facts.problems;
  }
}
