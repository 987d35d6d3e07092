import { FrameError } from './frame-error.js';

/** Longest text in a message, in bytes of UTF-8; a longer one is cut, it is for people's eyes. */
export const TEXT_BYTES_MAX = 4_096;

const UINT32_VALUES = 2 ** 32;
/** A text within this is written byte by byte, which is faster than a call into C++. */
const SHORT_TEXT = 24;

/** Writes little-endian fields one after the other into memory that is given. */
export class WireWriter {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** Where the next field goes. */
  offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint8(value: number): void {
    this.#view.setUint8(this.offset, value);
    this.offset += 1;
  }

  uint16(value: number): void {
    this.#view.setUint16(this.offset, value, true);
    this.offset += 2;
  }

  uint32(value: number): void {
    this.#view.setUint32(this.offset, value, true);
    this.offset += 4;
  }

  /** A number that is never used up: six bytes last for thousands of years. */
  uint48(value: number): void {
    this.uint32(value % UINT32_VALUES);
    this.uint16(value / UINT32_VALUES);
  }

  /** A text with its length before it. */
  text(text: string): void {
    if (text.length <= SHORT_TEXT && this.#shortAscii(text)) {
      return;
    }
    const start = this.offset + 2;
    // Buffer.write stops before a character that does not fit.
    const length = this.#bytes.write(text, start, TEXT_BYTES_MAX);
    this.uint16(length);
    this.offset = start + length;
  }

  block(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.offset);
    this.offset += bytes.length;
  }

  #shortAscii(text: string): boolean {
    const start = this.offset + 2;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        return false;
      }
      this.#bytes[start + index] = code;
    }
    this.uint16(text.length);
    this.offset = start + text.length;
    return true;
  }
}

/** Reads what WireWriter wrote. Throws FrameError instead of reading past the end. */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  offset: number;
  end: number;

  constructor(bytes: Buffer, offset = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
    this.end = end;
  }

  uint8(): number {
    const offset = this.#advance(1);
    return this.#view.getUint8(offset);
  }

  uint16(): number {
    const offset = this.#advance(2);
    return this.#view.getUint16(offset, true);
  }

  uint32(): number {
    const offset = this.#advance(4);
    return this.#view.getUint32(offset, true);
  }

  uint48(): number {
    const offset = this.#advance(6);
    return this.#view.getUint32(offset, true)
      + this.#view.getUint16(offset + 4, true) * UINT32_VALUES;
  }

  text(): string {
    const length = this.uint16();
    if (length > TEXT_BYTES_MAX) {
      throw new FrameError(`a text of ${length} bytes; ${TEXT_BYTES_MAX} are allowed`);
    }
    const start = this.#advance(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** A copy: what is read lies in a buffer that is used again. */
  block(length: number): Uint8Array {
    const start = this.#advance(length);
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  #advance(length: number): number {
    const { offset } = this;
    this.offset = offset + length;
    if (this.offset > this.end) {
      throw new FrameError('a message ends in its middle');
    }
    return offset;
  }
}
