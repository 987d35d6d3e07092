import { HEADER_BYTES, KIND_BATCH, LENGTH_BYTES, writeHeader, writeUint32 } from './frame.js';
import type { Settler } from './settler.js';

/** Buffers kept for later batches. */
const SPARES_MAX = 8;

/** Small messages on their way into one frame, encoded as they come. */
export class Batch {
  readonly kind = 'batch';
  readonly buffer: Uint8Array;
  /** Of the calls that await the echo; one call for many messages has none. */
  readonly settlers: Settler[] = [];
  bytes = HEADER_BYTES;
  messages = 0;

  constructor(buffer: Uint8Array) {
    this.buffer = buffer;
  }

  /** Copies the message; it must fit. */
  add(payload: Uint8Array): void {
    const { length } = payload;
    writeUint32(this.buffer, this.bytes, length);
    this.buffer.set(payload, this.bytes + LENGTH_BYTES);
    this.bytes += LENGTH_BYTES + length;
    this.messages += 1;
  }

  /** The whole frame, in the batch's own buffer. */
  frame(sequence: number): Uint8Array {
    writeHeader(this.buffer, { kind: KIND_BATCH, sequence, bytes: this.bytes });
    return this.buffer.subarray(0, this.bytes);
  }
}

/** Makes batches of one size and uses their buffers again. */
export class Batches {
  readonly #bytesMax: number;
  readonly #messagesMax: number;
  readonly #spare: Uint8Array[] = [];

  constructor(bytesMax: number, messagesMax: number) {
    this.#bytesMax = bytesMax;
    this.#messagesMax = messagesMax;
  }

  /** False for what goes as a large message. */
  isSmall(payload: Uint8Array): boolean {
    return HEADER_BYTES + LENGTH_BYTES + payload.length <= this.#bytesMax;
  }

  create(): Batch {
    return new Batch(this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#bytesMax));
  }

  hasRoom({ bytes, messages }: Batch, payload: Uint8Array): boolean {
    return messages < this.#messagesMax
      && bytes + LENGTH_BYTES + payload.length <= this.#bytesMax;
  }

  /** Nobody looks at this batch's buffer any more. */
  recycle({ buffer }: Batch): void {
    if (this.#spare.length < SPARES_MAX) this.#spare.push(buffer);
  }
}
