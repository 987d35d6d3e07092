import { crc32 } from 'node:zlib';

/** A longer line is damage; the longest that is written stays far below. */
export const LINE_BYTES_MAX = 64 * 1024;

/** `,"crc":"` + 8 hex digits + `"}` */
const SEAL_BYTES = 18;
const SEAL = /^,"crc":"([0-9a-f]{8})"\}$/;

/**
 * One line of the list, without its newline: the value as JSON, whose last key is `crc`, the
 * CRC-32 of the line's text before `,"crc":`. The value must have at least one key, none of
 * them `crc`.
 */
export function sealLine(value: object): string {
  const open = JSON.stringify(value).slice(0, -1);
  return `${open},"crc":"${checksum(open)}"}`;
}

/** What a line says; `broken` with the reason when it is not what was once written. */
export type Line =
  | { readonly kind: 'whole'; readonly value: unknown; readonly text: string }
  | { readonly kind: 'broken'; readonly why: string };

/** Reads a line (without its newline) and checks its checksum; never throws. */
export function openLine(bytes: Buffer): Line {
  if (bytes.byteLength > LINE_BYTES_MAX) return { kind: 'broken', why: 'it is too long' };
  const end = bytes.byteLength - SEAL_BYTES;
  const seal = end > 0 ? SEAL.exec(bytes.toString('latin1', end)) : null;
  if (seal === null) return { kind: 'broken', why: 'it has no checksum at its end' };
  if (checksum(bytes.subarray(0, end)) !== seal[1]) {
    return { kind: 'broken', why: 'its checksum does not fit' };
  }
  const text = bytes.toString('utf8');
  try {
    return { kind: 'whole', value: JSON.parse(text), text };
  } catch {
    // A fitting checksum over something else than JSON: written by something else.
    return { kind: 'broken', why: 'it is no JSON' };
  }
}

/** Of text: of its UTF-8. */
function checksum(bytes: Uint8Array | string): string {
  return crc32(bytes).toString(16).padStart(8, '0');
}
