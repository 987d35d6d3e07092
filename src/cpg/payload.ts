import { messageOf } from '../errors.js';
import { CpgError } from './error.js';
import { tooBig } from './group-errors.js';

/** Most buffers of one message, as IOV_MAX has it; libcpg itself overruns its stack above 63. */
export const BUFFERS_MAX = 1_024;

/**
 * Our own copy of what is to be sent, in one piece: it is compared with the echo later, when the
 * caller may long have written something else there. Throws CpgError `TOO_BIG` or `INVALID_PARAM`.
 */
export function gather(
  payload: Uint8Array | readonly Uint8Array[], bytesMax: number,
): Uint8Array {
  try {
    return copyOf(payload, bytesMax);
  } catch (cause) {
    if (cause instanceof CpgError) throw cause;
    // Detached memory, or an object that only claims to be bytes.
    throw unreadable(cause);
  }
}

function copyOf(
  payload: Uint8Array | readonly Uint8Array[], bytesMax: number,
): Uint8Array {
  if (payload instanceof Uint8Array) {
    if (payload.byteLength > bytesMax) throw tooBig(payload.byteLength, bytesMax);
    const copy = Buffer.allocUnsafe(payload.byteLength);
    copy.set(payload);
    return copy;
  }
  const buffers = checkBuffers(payload);
  const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes > bytesMax) throw tooBig(bytes, bytesMax);
  return Buffer.concat(buffers, bytes);
}

function unreadable(cause: unknown): CpgError {
  const text =
    `multicast: the payload cannot be read (${messageOf(cause)}); ` +
    'give memory that was not transferred elsewhere';
  return new CpgError('INVALID_PARAM', 'multicast', text, { cause });
}

function checkBuffers(payload: unknown): readonly Uint8Array[] {
  const isFit = Array.isArray(payload) && payload.length <= BUFFERS_MAX
    && payload.every((buffer) => buffer instanceof Uint8Array);
  if (isFit) return payload;
  const text =
    'multicast: the payload is no Uint8Array and no array of them; ' +
    `give bytes, or up to ${BUFFERS_MAX} buffers`;
  throw new CpgError('INVALID_PARAM', 'multicast', text);
}
