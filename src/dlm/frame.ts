/**
 * The frames between the daemon and its DLM child: a little-endian u32 with the length of the
 * body in bytes, then the body: a JSON array of messages. One frame carries many messages, so that
 * a burst of requests costs one write.
 */

/** Largest body of a frame. A peer that announces more is broken: the link is given up. */
export const FRAME_BYTES_MAX = 1 << 20;

/** Most messages in one frame; a longer batch is spread over several frames. */
export const FRAME_MESSAGES_MAX = 512;

const HEADER_BYTES = 4;

/** What arrived cannot be a frame: the stream is out of step and must be closed. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Encodes the messages into one buffer of one or more frames; empty for no messages. */
export function encodeFrames(messages: readonly object[]): Buffer {
  const frames: Buffer[] = [];
  for (let start = 0; start < messages.length; start += FRAME_MESSAGES_MAX) {
    const batch = messages.slice(start, start + FRAME_MESSAGES_MAX);
    const body = Buffer.from(JSON.stringify(batch, bytesToText));
    if (body.length > FRAME_BYTES_MAX) {
      throw new FrameError(`a frame of ${body.length} bytes exceeds ${FRAME_BYTES_MAX}`);
    }
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(body.length);
    frames.push(header, body);
  }
  return Buffer.concat(frames);
}

/**
 * Puts torn chunks together again. Holds at most one incomplete frame and the chunk at hand.
 * After a throw it must not be used any more.
 */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  #neededBytes = HEADER_BYTES;

  /** The messages of all frames that this chunk completes, in order. Throws FrameError. */
  push(chunk: Buffer): unknown[] {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes < this.#neededBytes) {
      return [];
    }
    const bytes = Buffer.concat(this.#chunks);
    const messages: unknown[] = [];
    let offset = 0;
    this.#neededBytes = HEADER_BYTES;
    while (bytes.length - offset >= HEADER_BYTES) {
      const length = readLength(bytes, offset);
      if (bytes.length - offset - HEADER_BYTES < length) {
        this.#neededBytes = HEADER_BYTES + length;
        break;
      }
      const bodyStart = offset + HEADER_BYTES;
      offset = bodyStart + length;
      for (const message of decodeBody(bytes.toString('utf8', bodyStart, offset))) {
        messages.push(message);
      }
    }
    const rest = bytes.subarray(offset);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bufferedBytes = rest.length;
    return messages;
  }
}

function readLength(bytes: Buffer, offset: number): number {
  const length = bytes.readUInt32LE(offset);
  if (length < 2 || length > FRAME_BYTES_MAX) {
    throw new FrameError(`a frame announces ${length} bytes; 2 to ${FRAME_BYTES_MAX} are allowed`);
  }
  return length;
}

function decodeBody(body: string): unknown[] {
  let decoded: unknown;
  try {
    decoded = JSON.parse(body, textToBytes);
  } catch (cause) {
    throw new FrameError('the body of a frame is not JSON', { cause });
  }
  if (!Array.isArray(decoded) || decoded.length > FRAME_MESSAGES_MAX) {
    throw new FrameError(`the body of a frame is no array of at most ${FRAME_MESSAGES_MAX}`);
  }
  return decoded as unknown[];
}

/** JSON has no bytes: they travel as `{ base64: … }`. */
function bytesToText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
}

function textToBytes(_key: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'base64' in value
    && typeof value.base64 === 'string';
  return isBytes ? new Uint8Array(Buffer.from(value.base64 as string, 'base64')) : value;
}
