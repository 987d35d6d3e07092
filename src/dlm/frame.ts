/**
 * The frames between the daemon and its DLM child, little-endian: u32 with the length of the body
 * in bytes, u16 FRAME_VERSION, u16 with the number of messages, then the messages of encoding.ts.
 * One frame carries many messages, so that a burst of requests costs one system call.
 */
import { MESSAGE_BYTES_MAX, MESSAGE_BYTES_MIN } from './encoding.js';
import { FrameError } from './frame-error.js';
import { WireReader, WireWriter } from './wire-bytes.js';

export { FrameError } from './frame-error.js';

/**
 * Magic and version of the encoding. Daemon and child come from one package; the version tells a
 * daemon whose files were replaced under its feet.
 */
export const FRAME_VERSION = 0x4801;

/** Largest body of a frame. A peer that announces more is broken: the link is given up. */
export const FRAME_BYTES_MAX = 1 << 16;

/** Most messages in one frame; a longer batch is spread over several frames. */
export const FRAME_MESSAGES_MAX = 512;

export const FRAME_HEADER_BYTES = 8;

/** Puts messages into frames in memory that is given, and keeps what has not been sent. */
export class FrameWriter<M extends object> {
  readonly #bytes: Buffer;
  readonly #writer: WireWriter;
  readonly #encode: (writer: WireWriter, message: M) => void;
  #start = 0;
  #frame = 0;
  #messages = 0;

  /** `bytes` must have room for a whole frame and one more message. */
  constructor(bytes: Buffer, encode: (writer: WireWriter, message: M) => void) {
    this.#bytes = bytes;
    this.#writer = new WireWriter(bytes);
    this.#encode = encode;
  }

  /** Adds a message; false when there is no room until something has been taken. */
  add(message: M): boolean {
    const writer = this.#writer;
    if (this.#messages === 0 || this.#full()) {
      this.#close();
      if (writer.offset + FRAME_HEADER_BYTES + MESSAGE_BYTES_MAX > this.#bytes.length) {
        this.#compact();
        if (writer.offset + FRAME_HEADER_BYTES + MESSAGE_BYTES_MAX > this.#bytes.length) {
          return false;
        }
      }
      this.#frame = writer.offset;
      writer.offset += FRAME_HEADER_BYTES;
    } else if (writer.offset + MESSAGE_BYTES_MAX > this.#bytes.length) {
      this.#close();
      return this.add(message);
    }
    this.#encode(writer, message);
    this.#messages += 1;
    return true;
  }

  /** Ends the frame at hand. What is to be sent begins at `start` and has so many bytes. */
  pending(): number {
    this.#close();
    return this.#writer.offset - this.#start;
  }

  /** Where the first byte lies that was not sent. */
  get start(): number {
    return this.#start;
  }

  /** So many bytes from `start` on were sent. */
  take(bytesCount: number): void {
    this.#start += bytesCount;
    if (this.#start === this.#writer.offset) {
      this.#start = 0;
      this.#writer.offset = 0;
    }
  }

  #full(): boolean {
    const bodyBytes = this.#writer.offset - this.#frame - FRAME_HEADER_BYTES;
    return this.#messages >= FRAME_MESSAGES_MAX || bodyBytes + MESSAGE_BYTES_MAX > FRAME_BYTES_MAX;
  }

  #close(): void {
    if (this.#messages > 0) {
      const writer = this.#writer;
      const end = writer.offset;
      writer.offset = this.#frame;
      writer.uint32(end - this.#frame - FRAME_HEADER_BYTES);
      writer.uint16(FRAME_VERSION);
      writer.uint16(this.#messages);
      writer.offset = end;
      this.#messages = 0;
    }
  }

  #compact(): void {
    this.#bytes.copyWithin(0, this.#start, this.#writer.offset);
    this.#writer.offset -= this.#start;
    this.#start = 0;
  }
}

/** All messages as one buffer of one or more frames; empty for no messages. */
export function encodeFrames<M extends object>(
  messages: readonly M[], encode: (writer: WireWriter, message: M) => void,
): Buffer {
  const memory = Buffer.allocUnsafe(FRAME_HEADER_BYTES + FRAME_BYTES_MAX + MESSAGE_BYTES_MAX);
  const writer = new FrameWriter(memory, encode);
  const frames: Buffer[] = [];
  const flush = (): void => {
    const length = writer.pending();
    frames.push(Buffer.from(memory.subarray(writer.start, writer.start + length)));
    writer.take(length);
  };
  for (const message of messages) {
    if (!writer.add(message)) {
      flush();
      writer.add(message);
    }
  }
  flush();
  return Buffer.concat(frames);
}

/**
 * Puts torn chunks together again. Holds at most one incomplete frame. After a throw it must not
 * be used any more.
 */
export class FrameDecoder<M> {
  readonly #decode: (reader: WireReader) => M;
  /** The incomplete frame, at the start of memory that grows up to the largest frame. */
  #rest = Buffer.alloc(0);
  #restBytes = 0;

  constructor(decode: (reader: WireReader) => M) {
    this.#decode = decode;
  }

  /** How much of an incomplete frame is kept, in bytes. */
  get restBytes(): number {
    return this.#restBytes;
  }

  /**
   * Tells the messages of all frames that this chunk completes, in order. The chunk may be used
   * again afterwards. Throws FrameError, and what `tell` throws.
   */
  push(chunk: Buffer, tell: (message: M) => void): void {
    let offset = 0;
    while (this.#restBytes > 0 && offset < chunk.length) {
      offset = this.#complete(chunk, offset, tell);
    }
    if (offset < chunk.length) {
      offset = this.#frames(chunk, offset, tell);
      this.#keep(chunk, offset, chunk.length);
    }
  }

  /** Fills up the kept frame: its header first, then its body. Returns where the chunk goes on. */
  #complete(chunk: Buffer, offset: number, tell: (message: M) => void): number {
    const needed = this.#restBytes < FRAME_HEADER_BYTES
      ? FRAME_HEADER_BYTES
      : FRAME_HEADER_BYTES + bodyLength(this.#rest, 0);
    const end = Math.min(chunk.length, offset + needed - this.#restBytes);
    this.#keep(chunk, offset, end);
    if (this.#restBytes === needed && needed > FRAME_HEADER_BYTES) {
      const whole = this.#rest.subarray(0, needed);
      this.#restBytes = 0;
      this.#frames(whole, 0, tell);
    } else if (this.#restBytes === FRAME_HEADER_BYTES) {
      // Refuses a broken header before its body is awaited.
      bodyLength(this.#rest, 0);
    }
    return end;
  }

  /** Decodes whole frames; returns where the first incomplete one begins. */
  #frames(bytes: Buffer, start: number, tell: (message: M) => void): number {
    const reader = new WireReader(bytes, start);
    let offset = start;
    while (bytes.length - offset >= FRAME_HEADER_BYTES) {
      const end = offset + FRAME_HEADER_BYTES + bodyLength(bytes, offset);
      if (end > bytes.length) {
        break;
      }
      const count = bytes.readUInt16LE(offset + 6);
      reader.offset = offset + FRAME_HEADER_BYTES;
      reader.end = end;
      for (let index = 0; index < count; index += 1) {
        tell(this.#decode(reader));
      }
      if (reader.offset !== end) {
        throw new FrameError(`a frame has ${end - reader.offset} bytes beyond its messages`);
      }
      offset = end;
    }
    return offset;
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const needed = this.#restBytes + end - start;
    if (needed > this.#rest.length) {
      const grown = Buffer.alloc(Math.max(needed, 2 * this.#rest.length));
      this.#rest.copy(grown, 0, 0, this.#restBytes);
      this.#rest = grown;
    }
    chunk.copy(this.#rest, this.#restBytes, start, end);
    this.#restBytes = needed;
  }
}

/** The length of the body that this header announces, when the header can be believed. */
function bodyLength(bytes: Buffer, offset: number): number {
  const length = bytes.readUInt32LE(offset);
  const version = bytes.readUInt16LE(offset + 4);
  const count = bytes.readUInt16LE(offset + 6);
  if (version !== FRAME_VERSION) {
    throw new FrameError(`a frame of version ${version}, not ${FRAME_VERSION}`);
  }
  if (length > FRAME_BYTES_MAX || count < 1 || count > FRAME_MESSAGES_MAX
    || length < count * MESSAGE_BYTES_MIN) {
    throw new FrameError(`a frame announces ${count} messages in ${length} bytes; up to `
      + `${FRAME_MESSAGES_MAX} in ${FRAME_BYTES_MAX} are allowed`);
  }
  return length;
}
