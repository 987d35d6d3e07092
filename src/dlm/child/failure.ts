import {
  EACCES, EAGAIN, EBUSY, ECANCEL, EDEADLK, EEXIST, ENOENT, ENOTCONN, EPERM, EPROTO, EUNATCH,
} from '../constants.js';
import type { DlmErrorCode } from '../error.js';
import type { LockMode } from '../port.js';
import type { Failure } from '../protocol.js';

/**
 * Describes a failed lock call or a completion that is no grant. `status` is a positive errno or
 * a DLM status; one without a code of its own becomes `KERNEL` and keeps its number.
 */
export function failureOf(operation: string, subject: string, status: number): Failure {
  const { code, text, retryable } = describe(status);
  return {
    code,
    operation,
    message: `${operation} of ${JSON.stringify(subject)}: ${text}`,
    status,
    retryable,
  };
}

/** A failure that libdlm was not asked about. */
export function refusal(code: DlmErrorCode, operation: string, message: string): Failure {
  return { code, operation, message, status: null, retryable: false };
}

/** Describes an adoption that the kernel refused, whose errnos mean something of their own. */
export function adoptionFailure(resource: string, mode: LockMode, errno: number): Failure {
  const name = JSON.stringify(resource);
  if (errno === ENOENT) {
    const message = `this node has no orphan named ${name}; nothing was adopted`;
    return { ...refusal('NO_ORPHAN', 'adopt', message), status: errno };
  }
  if (errno === EAGAIN) {
    const message = `the orphan named ${name} is not in ${mode}; read its mode and adopt in that`;
    return { ...refusal('OTHER_MODE', 'adopt', message), status: errno };
  }
  return failureOf('adopt', resource, errno);
}

interface Description {
  readonly code: DlmErrorCode;
  readonly text: string;
  readonly retryable: boolean;
}

function describe(status: number): Description {
  switch (status) {
    case EAGAIN:
      return {
        code: 'WOULD_BLOCK',
        text: 'an incompatible lock exists; wait for it or ask again later',
        retryable: true,
      };
    case ECANCEL:
      return { code: 'CANCELED', text: 'cancelled while it waited', retryable: true };
    case EDEADLK:
      return {
        code: 'DEADLOCK',
        text: 'the kernel found a deadlock; unlock something and ask again',
        retryable: true,
      };
    case EBUSY:
      return {
        code: 'KERNEL',
        text: 'an earlier request for it is still on its way in the cluster; ask again in a moment',
        retryable: true,
      };
    case EPERM:
    case EACCES:
      return {
        code: 'NO_PERMISSION',
        text: 'permission denied; run the daemon as root (CAP_SYS_ADMIN)',
        retryable: false,
      };
    case ENOTCONN:
    case EUNATCH:
      return {
        code: 'NO_DAEMON',
        text: `dlm_controld is away or not ready (errno ${status}); start dlm.service`,
        retryable: true,
      };
    case EPROTO:
      return {
        code: 'BAD_REQUEST',
        text: 'other nodes are in it with other flags; open it with the same flags as they',
        retryable: false,
      };
    case EEXIST:
      return {
        code: 'LOCKSPACE_EXISTS',
        text: 'this node is in it already; open it without NEWEXCL, or release it first',
        retryable: false,
      };
    default:
      return {
        code: 'KERNEL',
        text: `the kernel answered with status ${status}; see dmesg`,
        retryable: false,
      };
  }
}
