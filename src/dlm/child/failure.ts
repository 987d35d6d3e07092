import {
  EACCES, EAGAIN, ECANCEL, EDEADLK, ENOTCONN, EPERM, EUNATCH,
} from '../constants.js';
import type { DlmErrorCode } from '../error.js';
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
    default:
      return {
        code: 'KERNEL',
        text: `the kernel answered with status ${status}; see dmesg`,
        retryable: false,
      };
  }
}
