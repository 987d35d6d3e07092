import * as c from './constants.js';
import { CpgError, type CpgErrorCode } from './error.js';

/** Throws the CpgError of a native status unless it is CS_OK. @see corotypes.h, cs_error_t */
export function check(operation: string, status: number): void {
  if (status !== c.CS_OK) throw errorOf(operation, status);
}

/** The error of a native status; an unknown number becomes `UNKNOWN` and is kept in `status`. */
export function errorOf(operation: string, status: number): CpgError {
  const code = CODES.get(status) ?? 'UNKNOWN';
  return new CpgError(code, operation, `${operation}: ${textOf(operation, code, status)}`, {
    status,
    retryable: RETRYABLE.has(code),
  });
}

/** True when the connection can never be used again: corosync died, or closed it. */
export function isFatal(status: number): boolean {
  return status === c.CS_ERR_LIBRARY || status === c.CS_ERR_BAD_HANDLE;
}

const CODES: ReadonlyMap<number, CpgErrorCode> = new Map([
  [c.CS_ERR_LIBRARY, 'LIBRARY'],
  [c.CS_ERR_TIMEOUT, 'TIMEOUT'],
  [c.CS_ERR_TRY_AGAIN, 'TRY_AGAIN'],
  [c.CS_ERR_INVALID_PARAM, 'INVALID_PARAM'],
  [c.CS_ERR_NO_MEMORY, 'NO_MEMORY'],
  [c.CS_ERR_BAD_HANDLE, 'BAD_HANDLE'],
  [c.CS_ERR_BUSY, 'BUSY'],
  [c.CS_ERR_ACCESS, 'ACCESS'],
  [c.CS_ERR_NOT_EXIST, 'NOT_EXIST'],
  [c.CS_ERR_NAME_TOO_LONG, 'NAME_TOO_LONG'],
  [c.CS_ERR_EXIST, 'EXIST'],
  [c.CS_ERR_INTERRUPT, 'INTERRUPT'],
  [c.CS_ERR_NOT_SUPPORTED, 'NOT_SUPPORTED'],
  [c.CS_ERR_TOO_BIG, 'TOO_BIG'],
]);

/** LIBRARY is here because corosync may be started; the others pass by themselves. */
const RETRYABLE: ReadonlySet<CpgErrorCode> = new Set([
  'LIBRARY', 'TIMEOUT', 'TRY_AGAIN', 'BUSY', 'INTERRUPT',
]);

function textOf(operation: string, code: CpgErrorCode, status: number): string {
  switch (code) {
    case 'LIBRARY':
      return operation === 'cpg_model_initialize'
        ? 'corosync is not running on this node; start corosync (systemctl start corosync)'
        : 'the connection to corosync is gone; corosync died or was stopped';
    case 'TRY_AGAIN':
      return 'corosync is not ready (it starts, or a ring is being formed); try again shortly';
    case 'ACCESS':
      return (
        'corosync refused this user; run as root, or allow the user in ' +
        '/etc/corosync/uidgid.d/holdfast: uidgid { uid: NAME }, then reload corosync'
      );
    case 'EXIST':
      return 'this process is already in a group of that name';
    default:
      return `corosync answered ${code} (cs_error_t ${status})`;
  }
}
