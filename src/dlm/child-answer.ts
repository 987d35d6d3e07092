import { SBF_DEMOTED, SBF_VALNOTVALID } from './constants.js';
import { DlmError } from './error.js';
import { describe } from './names.js';
import type { Answer } from './outstanding.js';
import type { Failure } from './protocol.js';
import type { Grant, LockId, LockMode } from './request.js';

/** What the child's answer to a take or convert says to the caller. */
export function grantOf(asked: LockMode, answer: Answer): Grant {
  if (answer.kind !== 'granted') {
    return { mode: asked, value: null, demoted: false };
  }
  const { mode, statusFlags, value: bytes } = answer;
  const valid = (statusFlags & SBF_VALNOTVALID) === 0;
  const value = bytes === null ? null : { bytes, valid };
  return { mode, value, demoted: (statusFlags & SBF_DEMOTED) !== 0 };
}

/** The failure of a request, as the child told it. */
export function errorOf({ code, operation, message, status, retryable }: Failure): DlmError {
  return new DlmError(code, operation, message, {
    retryable, ...(status === null ? {} : { status }),
  });
}

/** The caller's id names no lock. */
export function unknownLock(operation: string, id: LockId): DlmError {
  const message = `${operation}: no lock has the id ${describe(id)} (any more)`;
  return new DlmError('UNKNOWN_LOCK', operation, message);
}

/** We have ended the child ourselves. */
export function closedError(name: string): DlmError {
  return new DlmError('CLOSED', 'close', `lockspace ${name} was closed; open it again`);
}

/** The child has ended by itself. */
export function childLost(name: string, reason: string): DlmError {
  const message = `the process that keeps lockspace ${name} open is gone: ${reason}; what it held `
    + 'is an orphan of this node: open the lockspace again and adopt';
  return new DlmError('CHILD_LOST', 'child', message, { retryable: true });
}
