import { EAGAIN } from './constants.js';
import { MESSAGE_BYTES_MAX } from './encoding.js';
import {
  FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FrameDecoder, FrameWriter,
} from './frame.js';
import { ECONNRESET, EINTR, EPIPE, MSG_DONTWAIT, MSG_NOSIGNAL, type LibC } from './libc.js';
import type { WireReader, WireWriter } from './wire-bytes.js';

/** What is read at once. */
const RECEIVE_BYTES = 1 << 16;

/** Encoded bytes that wait for room in the socket; messages beyond wait as objects. */
const SEND_BYTES_MAX = 2 * (FRAME_HEADER_BYTES + FRAME_BYTES_MAX + MESSAGE_BYTES_MAX);

export interface FrameSocketOptions<Out extends object, In> {
  readonly libc: LibC;
  readonly fd: number;
  readonly encode: (writer: WireWriter, message: Out) => void;
  readonly decode: (reader: WireReader) => In;
  readonly onMessage: (message: In) => void;
}

/**
 * One end of the socket between the daemon and its child. It never blocks and never waits: its
 * owner knows when the socket is readable or writable. `recv` and `send` are called directly, since
 * a stream of Node costs many times what they do.
 */
export class FrameSocket<Out extends object, In> {
  readonly #libc: LibC;
  readonly #fd: number;
  readonly #onMessage: (message: In) => void;
  readonly #input = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  readonly #output = Buffer.allocUnsafeSlow(SEND_BYTES_MAX);
  readonly #decoder: FrameDecoder<In>;
  readonly #writer: FrameWriter<Out>;
  /** What found no room, oldest first. The owner bounds it, by what it lets be under way. */
  #overflow: Out[] = [];
  #ended = false;

  constructor({ libc, fd, encode, decode, onMessage }: FrameSocketOptions<Out, In>) {
    this.#libc = libc;
    this.#fd = fd;
    this.#onMessage = onMessage;
    this.#decoder = new FrameDecoder(decode);
    this.#writer = new FrameWriter(this.#output, encode);
  }

  /** The peer is gone: nothing more comes, and what is sent is dropped. */
  get ended(): boolean {
    return this.#ended;
  }

  /** How many messages wait that found no room in the buffer. */
  get overflowCount(): number {
    return this.#overflow.length;
  }

  /** Adds a message to what the next `flush` sends. Throws FrameError when it cannot be encoded. */
  add(message: Out): void {
    if (this.#overflow.length > 0 || !this.#writer.add(message)) {
      this.#overflow.push(message);
    }
  }

  /**
   * Sends what was added. False when the socket is full: call again when it is writable. Throws
   * on what no peer can cause.
   */
  flush(): boolean {
    for (;;) {
      const pending = this.#writer.pending();
      if (this.#ended || pending === 0) {
        return true;
      }
      const { start } = this.#writer;
      const bytes = start === 0 ? this.#output : this.#output.subarray(start);
      const sent = this.#libc.send(this.#fd, bytes, pending, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        return this.#unsent();
      }
      this.#writer.take(sent);
      this.#refill();
    }
  }

  /**
   * Reads once, and tells the messages that came. True when there may be more at once. Throws
   * FrameError when the peer is out of step, and what `onMessage` throws.
   */
  receive(): boolean {
    if (this.#ended) {
      return false;
    }
    const received = this.#libc.recv(this.#fd, this.#input, RECEIVE_BYTES, MSG_DONTWAIT);
    if (received > 0) {
      this.#decoder.push(this.#input.subarray(0, received), this.#onMessage);
      return received === RECEIVE_BYTES;
    }
    if (received === 0) {
      this.#ended = true;
      return false;
    }
    const errno = this.#libc.errno();
    if (errno === ECONNRESET) {
      this.#ended = true;
    } else if (errno !== EAGAIN && errno !== EINTR) {
      throw new Error(`recv on the connection failed: errno ${errno}`);
    }
    return false;
  }

  #unsent(): boolean {
    const errno = this.#libc.errno();
    if (errno === EAGAIN || errno === EINTR) {
      return false;
    }
    if (errno === EPIPE || errno === ECONNRESET) {
      this.#ended = true;
      this.#overflow = [];
      return true;
    }
    throw new Error(`send on the connection failed: errno ${errno}`);
  }

  #refill(): void {
    let moved = 0;
    for (const message of this.#overflow) {
      if (!this.#writer.add(message)) {
        break;
      }
      moved += 1;
    }
    if (moved > 0) {
      this.#overflow.splice(0, moved);
    }
  }
}
