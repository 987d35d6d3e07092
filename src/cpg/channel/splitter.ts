import {
  CHUNK_HEADER_BYTES, HEADER_BYTES, KIND_ABORT, KIND_CHUNK, writeChunk, writeHeader, writeUint32,
} from './frame.js';
import type { Settler } from './settler.js';

const ABORT_BYTES = HEADER_BYTES + 4;

/** A message that goes in chunks. `payload` is a copy of our own. */
export interface LargeMessage {
  readonly kind: 'large';
  readonly number: number;
  readonly payload: Uint8Array;
  readonly settler: Settler | null;
  /** Bytes that have been sent. */
  sentBytes: number;
  /** A chunk of it was lost: the rest is neither sent nor awaited. */
  isLost: boolean;
}

/** Cuts large messages into frames, one at a time, into a buffer that it uses again. */
export class Splitter {
  readonly #chunkBytes: number;
  #buffer: Uint8Array | null = null;
  #number = 0;

  /** `frameBytesMax` is what the group sends in one piece. */
  constructor(chunkBytesMax: number, frameBytesMax: number) {
    this.#chunkBytes = Math.min(chunkBytesMax, frameBytesMax - HEADER_BYTES - CHUNK_HEADER_BYTES);
  }

  /** Takes a copy of the message. */
  begin(payload: Uint8Array, settler: Settler | null): LargeMessage {
    this.#number = (this.#number + 1) >>> 0;
    const copy = Buffer.allocUnsafeSlow(payload.length);
    copy.set(payload);
    return {
      kind: 'large', number: this.#number, payload: copy, settler, sentBytes: 0, isLost: false,
    };
  }

  /** Size of the next frame of a message. */
  nextBytes({ payload, sentBytes }: LargeMessage): number {
    const left = payload.length - sentBytes;
    return HEADER_BYTES + CHUNK_HEADER_BYTES + Math.min(this.#chunkBytes, left);
  }

  /** The next frame of a message; good until the next call. */
  next(message: LargeMessage, sequence: number): Uint8Array {
    this.#buffer ??= Buffer.allocUnsafeSlow(HEADER_BYTES + CHUNK_HEADER_BYTES + this.#chunkBytes);
    const { number, payload, sentBytes: offset } = message;
    const data = payload.subarray(offset, offset + this.#chunkBytes);
    const chunk = { message: number, totalBytes: payload.length, offset, data };
    const bytes = writeChunk(this.#buffer, chunk);
    writeHeader(this.#buffer, { kind: KIND_CHUNK, sequence, bytes });
    message.sentBytes += data.length;
    return this.#buffer.subarray(0, bytes);
  }
}

/** The frame that tells the receivers to let go of what they have of that message. */
export function abortFrame(number: number, sequence: number): Uint8Array {
  const frame = new Uint8Array(ABORT_BYTES);
  writeHeader(frame, { kind: KIND_ABORT, sequence, bytes: ABORT_BYTES });
  writeUint32(frame, HEADER_BYTES, number);
  return frame;
}
