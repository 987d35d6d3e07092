import { LOCK_MODES, LOCKSPACE_BYTES_MAX, RESOURCE_BYTES_MAX } from './constants.js';
import { DlmError } from './error.js';
import type { LockMode } from './port.js';

/** Throws `BAD_REQUEST` unless the kernel can take this as a resource's name. */
export function checkResource(operation: string, resource: string): void {
  const bytes = typeof resource === 'string' ? Buffer.byteLength(resource) : null;
  if (bytes === null || bytes < 1 || bytes > RESOURCE_BYTES_MAX || !wellFormed(resource)) {
    const message = `a resource name has 1 to ${RESOURCE_BYTES_MAX} bytes of UTF-8; `
      + `${describe(resource)} has ${bytes ?? 'none'}`;
    throw new DlmError('BAD_REQUEST', operation, message);
  }
}

/** Throws `BAD_REQUEST` unless it is one of the six modes. */
export function checkMode(operation: string, mode: LockMode): void {
  if (!LOCK_MODES.includes(mode)) {
    const message = `${describe(mode)} is no lock mode; use one of ${LOCK_MODES.join(', ')}`;
    throw new DlmError('BAD_REQUEST', operation, message);
  }
}

/**
 * Throws `BAD_REQUEST` unless it can be a lockspace's name: it becomes part of the path of a
 * device node and of directories in /sys.
 */
export function checkLockspace(operation: string, name: string): void {
  const fits = typeof name === 'string' && /^[A-Za-z0-9_.:-]+$/.test(name) && !/^\.+$/.test(name)
    && name.length <= LOCKSPACE_BYTES_MAX;
  if (!fits) {
    const message = `a lockspace name has 1 to ${LOCKSPACE_BYTES_MAX} letters, digits or "_.:-"; `
      + `${describe(name)} has not`;
    throw new DlmError('BAD_REQUEST', operation, message);
  }
}

/** A value that came in place of another, short enough for a message. Never throws. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.slice(0, RESOURCE_BYTES_MAX));
    case 'number':
    case 'bigint':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : 'an object';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    default:
      return 'something else';
  }
}

/** False for a lone surrogate, which has no UTF-8. */
function wellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text;
}
