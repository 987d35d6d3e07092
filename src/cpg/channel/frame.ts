/**
 * The channel's format, docs/channel-format.md: what stands in one multicast. All numbers are
 * little-endian. A frame is a header and a body; the body of a batch is a row of messages, each
 * with its length before it; the body of a chunk is a piece of one large message.
 */

/** "HFCH". */
export const MAGIC = 0x48_43_46_48;
export const VERSION = 1;
export const HEADER_BYTES = 16;
/** Before each message of a batch. */
export const LENGTH_BYTES = 4;
/** Before the piece in a chunk: message number, total bytes, offset. */
export const CHUNK_HEADER_BYTES = 12;

export const KIND_BATCH = 1;
export const KIND_CHUNK = 2;
export const KIND_ABORT = 3;

/** A piece of the sender's message `message`, which has `totalBytes` in all. */
export interface Chunk {
  readonly message: number;
  readonly totalBytes: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Why a multicast was not taken as a frame; `kind` may be a newer member's. */
export type ForeignReason = 'magic' | 'version' | 'kind' | 'malformed' | 'repeated';

type NotAFrame = Exclude<ForeignReason, 'kind' | 'repeated'>;

export type Frame =
  | { readonly kind: 'batch'; readonly sequence: number; readonly payload: Uint8Array }
  | { readonly kind: 'chunk'; readonly sequence: number; readonly chunk: Chunk }
  | { readonly kind: 'abort'; readonly sequence: number; readonly message: number }
  /** A kind that this version does not know: skipped, but it counts in the sender's sequence. */
  | { readonly kind: 'unknown'; readonly sequence: number; readonly number: number }
  | { readonly kind: 'foreign'; readonly reason: NotAFrame };

/** Reads any bytes; never throws. A batch is known to be whole: `eachMessage` may walk it. */
export function readFrame(payload: Uint8Array): Frame {
  if (payload.length < 4 || readUint32(payload, 0) !== MAGIC) return foreign('magic');
  if (payload.length < 5 || payload[4] !== VERSION) return foreign('version');
  if (payload.length < HEADER_BYTES) return foreign('malformed');
  const bodyBytes = payload.length - HEADER_BYTES;
  if (readUint32(payload, 12) !== bodyBytes) return foreign('malformed');
  const sequence = readUint32(payload, 8);
  const kind = payload[5] ?? 0;
  switch (kind) {
    case KIND_BATCH:
      return isWholeBatch(payload) ? { kind: 'batch', sequence, payload } : foreign('malformed');
    case KIND_CHUNK: {
      const chunk = readChunk(payload, bodyBytes);
      return chunk === null ? foreign('malformed') : { kind: 'chunk', sequence, chunk };
    }
    case KIND_ABORT:
      if (bodyBytes !== 4) return foreign('malformed');
      return { kind: 'abort', sequence, message: readUint32(payload, HEADER_BYTES) };
    default:
      return { kind: 'unknown', sequence, number: kind };
  }
}

/** Hands out the messages of a batch, as views into it, until `take` answers false. */
export function eachMessage(batch: Uint8Array, take: (message: Uint8Array) => boolean): void {
  for (let offset = HEADER_BYTES; offset < batch.length; ) {
    const begin = offset + LENGTH_BYTES;
    const end = begin + readUint32(batch, offset);
    if (!take(batch.subarray(begin, end))) return;
    offset = end;
  }
}

/** Writes the header; the body is `bytes` - HEADER_BYTES long. */
export function writeHeader(
  into: Uint8Array, { kind, sequence, bytes }: { kind: number; sequence: number; bytes: number },
): void {
  writeUint32(into, 0, MAGIC);
  into[4] = VERSION;
  into[5] = kind;
  into[6] = 0;
  into[7] = 0;
  writeUint32(into, 8, sequence);
  writeUint32(into, 12, bytes - HEADER_BYTES);
}

/** Writes everything of a chunk but the frame's header; gives the bytes of the whole frame. */
export function writeChunk(into: Uint8Array, chunk: Chunk): number {
  writeUint32(into, HEADER_BYTES, chunk.message);
  writeUint32(into, HEADER_BYTES + 4, chunk.totalBytes);
  writeUint32(into, HEADER_BYTES + 8, chunk.offset);
  into.set(chunk.data, HEADER_BYTES + CHUNK_HEADER_BYTES);
  return HEADER_BYTES + CHUNK_HEADER_BYTES + chunk.data.length;
}

export function readUint32(from: Uint8Array, offset: number): number {
  return ((from[offset] ?? 0) | ((from[offset + 1] ?? 0) << 8) |
    ((from[offset + 2] ?? 0) << 16) | ((from[offset + 3] ?? 0) << 24)) >>> 0;
}

export function writeUint32(into: Uint8Array, offset: number, value: number): void {
  into[offset] = value;
  into[offset + 1] = value >>> 8;
  into[offset + 2] = value >>> 16;
  into[offset + 3] = value >>> 24;
}

/** At least one message, and the last one ends where the frame ends. */
function isWholeBatch(payload: Uint8Array): boolean {
  let offset = HEADER_BYTES;
  if (offset === payload.length) return false;
  while (offset + LENGTH_BYTES <= payload.length) {
    offset += LENGTH_BYTES + readUint32(payload, offset);
  }
  return offset === payload.length;
}

function readChunk(payload: Uint8Array, bodyBytes: number): Chunk | null {
  if (bodyBytes <= CHUNK_HEADER_BYTES) return null;
  const chunk = {
    message: readUint32(payload, HEADER_BYTES),
    totalBytes: readUint32(payload, HEADER_BYTES + 4),
    offset: readUint32(payload, HEADER_BYTES + 8),
    data: payload.subarray(HEADER_BYTES + CHUNK_HEADER_BYTES),
  };
  return chunk.offset + chunk.data.length > chunk.totalBytes ? null : chunk;
}

function foreign(reason: NotAFrame): Frame {
  return { kind: 'foreign', reason };
}
