import { CPG_MAX_NAME_LENGTH } from './constants.js';
import { CpgError } from './error.js';

/**
 * The bytes of a group's name, a copy. Throws CpgError `INVALID_PARAM` when it is empty, neither a
 * text nor bytes, or no well-formed text; `NAME_TOO_LONG` above 128 bytes: libcpg would read beyond
 * a longer one.
 */
export function groupName(operation: string, name: string | Uint8Array): Uint8Array {
  if (typeof name !== 'string' && !(name instanceof Uint8Array)) {
    const text = `${operation}: the group name is ${typeof name}; give a text or bytes`;
    throw new CpgError('INVALID_PARAM', operation, text);
  }
  const bytes = typeof name === 'string' ? new TextEncoder().encode(name) : new Uint8Array(name);
  if (typeof name === 'string' && Buffer.from(name).toString() !== name) {
    const text = `${operation}: the group name holds half a surrogate pair; give well-formed text`;
    throw new CpgError('INVALID_PARAM', operation, text);
  }
  if (bytes.byteLength === 0) {
    const text = `${operation}: the group name is empty; give one of 1 to 128 bytes`;
    throw new CpgError('INVALID_PARAM', operation, text);
  }
  if (bytes.byteLength > CPG_MAX_NAME_LENGTH) {
    const text = `${operation}: the group name has ${bytes.byteLength} bytes; at most 128 are allowed`;
    throw new CpgError('NAME_TOO_LONG', operation, text);
  }
  return bytes;
}
