import * as c from './corotypes.js';

/** What is said of a native status; every binding makes its own error class of it. */
export interface StatusFacts {
  /** The name of the cs_error_t, or `UNKNOWN` for a number that we do not know. */
  readonly code: CsErrorName | 'UNKNOWN';
  /** True when the same call may succeed later without anything being changed by hand. */
  readonly retryable: boolean;
  /** What happened and what to do, without the operation. */
  readonly text: string;
}

/**
 * Reads a cs_error_t that is not CS_OK. `opening` tells the two meanings of LIBRARY apart:
 * nobody answers at the first call, or the other side has gone away since.
 * @see corotypes.h, cs_error_t
 */
export function factsOf(status: number, opening: boolean): StatusFacts {
  const code = NAMES.get(status) ?? 'UNKNOWN';
  return { code, retryable: RETRYABLE.has(code), text: textOf(code, status, opening) };
}

/** True when the connection can never be used again: corosync died, or closed it. */
export function isFatal(status: number): boolean {
  return status === c.CS_ERR_LIBRARY || status === c.CS_ERR_BAD_HANDLE;
}

export type CsErrorName =
  | 'LIBRARY' | 'VERSION' | 'INIT' | 'TIMEOUT' | 'TRY_AGAIN' | 'INVALID_PARAM' | 'NO_MEMORY'
  | 'BAD_HANDLE' | 'BUSY' | 'ACCESS' | 'NOT_EXIST' | 'NAME_TOO_LONG' | 'EXIST' | 'NO_SPACE'
  | 'INTERRUPT' | 'NAME_NOT_FOUND' | 'NO_RESOURCES' | 'NOT_SUPPORTED' | 'BAD_OPERATION'
  | 'FAILED_OPERATION' | 'MESSAGE_ERROR' | 'QUEUE_FULL' | 'QUEUE_NOT_AVAILABLE' | 'BAD_FLAGS'
  | 'TOO_BIG' | 'NO_SECTIONS' | 'CONTEXT_NOT_FOUND' | 'TOO_MANY_GROUPS' | 'SECURITY';

const NAMES: ReadonlyMap<number, CsErrorName> = new Map([
  [c.CS_ERR_LIBRARY, 'LIBRARY'],
  [c.CS_ERR_VERSION, 'VERSION'],
  [c.CS_ERR_INIT, 'INIT'],
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
  [c.CS_ERR_NO_SPACE, 'NO_SPACE'],
  [c.CS_ERR_INTERRUPT, 'INTERRUPT'],
  [c.CS_ERR_NAME_NOT_FOUND, 'NAME_NOT_FOUND'],
  [c.CS_ERR_NO_RESOURCES, 'NO_RESOURCES'],
  [c.CS_ERR_NOT_SUPPORTED, 'NOT_SUPPORTED'],
  [c.CS_ERR_BAD_OPERATION, 'BAD_OPERATION'],
  [c.CS_ERR_FAILED_OPERATION, 'FAILED_OPERATION'],
  [c.CS_ERR_MESSAGE_ERROR, 'MESSAGE_ERROR'],
  [c.CS_ERR_QUEUE_FULL, 'QUEUE_FULL'],
  [c.CS_ERR_QUEUE_NOT_AVAILABLE, 'QUEUE_NOT_AVAILABLE'],
  [c.CS_ERR_BAD_FLAGS, 'BAD_FLAGS'],
  [c.CS_ERR_TOO_BIG, 'TOO_BIG'],
  [c.CS_ERR_NO_SECTIONS, 'NO_SECTIONS'],
  [c.CS_ERR_CONTEXT_NOT_FOUND, 'CONTEXT_NOT_FOUND'],
  [c.CS_ERR_TOO_MANY_GROUPS, 'TOO_MANY_GROUPS'],
  [c.CS_ERR_SECURITY, 'SECURITY'],
]);

/** LIBRARY is here because corosync may be started; the others pass by themselves. */
const RETRYABLE: ReadonlySet<StatusFacts['code']> = new Set([
  'LIBRARY', 'TIMEOUT', 'TRY_AGAIN', 'BUSY', 'INTERRUPT', 'QUEUE_FULL',
]);

function textOf(code: StatusFacts['code'], status: number, opening: boolean): string {
  switch (code) {
    case 'LIBRARY':
      return opening
        ? 'corosync is not running on this node; start corosync (systemctl start corosync); ' +
          'or this process has no file descriptor left, which looks the same'
        : 'the connection to corosync is gone; corosync died or was stopped';
    case 'TRY_AGAIN':
      return 'corosync is not ready (it starts, or a ring is being formed); try again shortly';
    case 'ACCESS':
      return (
        'corosync refused this user; run as root, or allow the user in ' +
        '/etc/corosync/uidgid.d/holdfast: uidgid { uid: NAME }, then reload corosync'
      );
    default:
      return `corosync answered ${code} (cs_error_t ${status})`;
  }
}
