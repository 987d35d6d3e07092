import { createHash } from 'node:crypto';

import { CoordinatorError } from './error.js';

/** DLM_RESNAME_MAXLEN: what a name may have in the lockspace. */
export const LOCK_NAME_BYTES_MAX = 64;
export const RESOURCE_BYTES_MAX = 1024;
export const OWNER_NAME_BYTES_MAX = 256;
export const REASON_BYTES_MAX = 256;

const HASH = /^[0-9a-f]{64}$/i;
const CONTROL = /\p{Cc}/u;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The name that a resource has in the lockspace: its own, or the SHA-256 of it in hex when it is
 * longer than 64 bytes. A resource may not look like such a hash: two names would be one lock.
 *
 * Throws CoordinatorError `BAD_NAME`, whose message states the rule that is broken.
 */
export function toLockName(resource: string): string {
  const bytes = checkName('resource name', resource, RESOURCE_BYTES_MAX);
  if (HASH.test(resource)) {
    throw new CoordinatorError(
      'BAD_NAME',
      'a resource name must not be 64 hex digits: that is how longer names are stored',
    );
  }
  if (bytes <= LOCK_NAME_BYTES_MAX) return resource;
  return createHash('sha256').update(resource, 'utf8').digest('hex');
}

/**
 * The name in the lockspace of something that is already there: 64 hex digits are taken for what
 * they are there, the hash of a longer name.
 *
 * Throws CoordinatorError `BAD_NAME`, whose message states the rule that is broken.
 */
export function toShownLockName(resource: string): string {
  return HASH.test(resource) ? resource : toLockName(resource);
}

/** Throws CoordinatorError `BAD_NAME` unless the text may be the reason of a release by hand. */
export function checkReason(reason: string): void {
  checkName('reason', reason, REASON_BYTES_MAX);
}

/** Throws CoordinatorError `BAD_NAME` unless the name may be an owner's. */
export function checkOwnerName(name: string): void {
  checkName('owner name', name, OWNER_NAME_BYTES_MAX);
}

/** How many bytes of UTF-8 it has. */
function checkName(what: string, name: string, bytesMax: number): number {
  const bytes = Buffer.byteLength(name, 'utf8');
  if (bytes === 0) throw new CoordinatorError('BAD_NAME', `the ${what} is empty`);
  if (bytes > bytesMax) {
    const text = `the ${what} has ${bytes} bytes of UTF-8; at most ${bytesMax} are allowed`;
    throw new CoordinatorError('BAD_NAME', text);
  }
  if (LONE_SURROGATE.test(name)) {
    const text = `the ${what} is not well-formed Unicode: it has half of a surrogate pair`;
    throw new CoordinatorError('BAD_NAME', text);
  }
  const control = CONTROL.exec(name);
  if (control !== null) {
    const code = control[0].codePointAt(0)?.toString(16).padStart(4, '0').toUpperCase();
    const text = `the ${what} has the control character U+${code}; none are allowed`;
    throw new CoordinatorError('BAD_NAME', text);
  }
  return bytes;
}
