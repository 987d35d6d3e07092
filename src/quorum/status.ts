import * as c from './constants.js';
import { QuorumError, type QuorumErrorCode } from './error.js';

/** Throws the QuorumError of a native status unless it is CS_OK. @see corotypes.h, cs_error_t */
export function check(operation: string, status: number): void {
  if (status !== c.CS_OK) throw errorOf(operation, status);
}

/** The error of a native status; an unknown number becomes `UNKNOWN` and is kept in `status`. */
export function errorOf(operation: string, status: number): QuorumError {
  const code = CODES.get(status) ?? 'UNKNOWN';
  return new QuorumError(code, operation, `${operation}: ${textOf(operation, code, status)}`, {
    status,
    retryable: code === 'LIBRARY' || code === 'TRY_AGAIN',
  });
}

const CODES: ReadonlyMap<number, QuorumErrorCode> = new Map([
  [c.CS_ERR_LIBRARY, 'LIBRARY'],
  [c.CS_ERR_TRY_AGAIN, 'TRY_AGAIN'],
  [c.CS_ERR_INVALID_PARAM, 'INVALID_PARAM'],
  [c.CS_ERR_NO_MEMORY, 'NO_MEMORY'],
  [c.CS_ERR_BAD_HANDLE, 'BAD_HANDLE'],
  [c.CS_ERR_ACCESS, 'ACCESS'],
  [c.CS_ERR_NOT_EXIST, 'NOT_EXIST'],
  [c.CS_ERR_NOT_SUPPORTED, 'NOT_SUPPORTED'],
]);

function textOf(operation: string, code: QuorumErrorCode, status: number): string {
  switch (code) {
    case 'LIBRARY':
      return operation === 'quorum_model_initialize'
        ? 'corosync is not running on this node; start corosync (systemctl start corosync)'
        : 'the connection to corosync is gone; corosync died or was stopped';
    case 'TRY_AGAIN':
      return 'corosync is not ready (it starts); try again shortly';
    case 'ACCESS':
      return (
        'corosync refused this user; run as root, or allow the user in ' +
        '/etc/corosync/uidgid.d/holdfast: uidgid { uid: NAME }, then reload corosync'
      );
    default:
      return `corosync answered ${code} (cs_error_t ${status})`;
  }
}
