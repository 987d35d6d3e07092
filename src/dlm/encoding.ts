/**
 * The messages between the daemon and its child as bytes. Each begins with a head of eight bytes:
 * u8 kind, u8 bits, u48 number (`op`, or the lock's id in `blocking`); the fields of its kind
 * follow. Bits: 0-2 the mode, then the booleans. Everything is little-endian.
 */
import { LOCK_MODES, VALUE_BYTES } from './constants.js';
import type { DlmErrorCode } from './error.js';
import { FrameError } from './frame-error.js';
import type { LockMode } from './port.js';
import type { Failure, Reply, Request } from './protocol.js';
import { TEXT_BYTES_MAX, type WireReader, type WireWriter } from './wire-bytes.js';

/** Most bytes of one message: a failure, with three texts. */
export const MESSAGE_BYTES_MAX = 64 + 3 * (2 + TEXT_BYTES_MAX);

/** Fewest bytes of one message: its head. */
export const MESSAGE_BYTES_MIN = 8;

/** The place in these lists is the number of the kind: append only, or raise FRAME_VERSION. */
const REQUEST_KINDS: readonly Request['kind'][] = [
  'open', 'take', 'convert', 'cancel', 'deadlock-cancel', 'unlock', 'adopt', 'purge', 'versions',
  'release', 'ping',
];
const REPLY_KINDS: readonly Reply['kind'][] = [
  'queued', 'done', 'granted', 'versions', 'failed', 'blocking', 'board', 'log',
];

const MODE_MASK = 0x07;
const WAIT = 0x08;
const PERSISTENT = 0x10;
const VALUE = 0x20;
const EXCLUSIVE = 0x40;
const RETRYABLE = 0x40;
const STATUS = 0x80;

type Encode<M> = (writer: WireWriter, message: M) => void;

const requestNumbers = numbersOf(REQUEST_KINDS);
const replyNumbers = numbersOf(REPLY_KINDS);
const modeNumbers = numbersOf(LOCK_MODES);

/** Appends the request. The writer must have room for MESSAGE_BYTES_MAX. */
export const encodeRequest: Encode<Request> = (writer, request) => {
  writer.uint8(requestNumbers[request.kind] as number);
  switch (request.kind) {
    case 'take':
      writer.uint8(modeBits(request.mode) | (request.wait ? WAIT : 0)
        | (request.persistent ? PERSISTENT : 0));
      writer.uint48(request.op);
      writer.uint48(request.id);
      writer.uint32(request.flags);
      return writer.text(request.resource);
    case 'convert':
      writer.uint8(modeBits(request.mode) | (request.wait ? WAIT : 0) | valueBit(request.value));
      writer.uint48(request.op);
      writer.uint48(request.id);
      writer.uint32(request.flags);
      return writeValue(writer, request.value);
    case 'unlock':
      writer.uint8(valueBit(request.value));
      writer.uint48(request.op);
      writer.uint48(request.id);
      writer.uint32(request.flags);
      return writeValue(writer, request.value);
    case 'cancel':
    case 'deadlock-cancel':
      writer.uint8(0);
      writer.uint48(request.op);
      return writer.uint48(request.id);
    case 'adopt':
      writer.uint8(modeBits(request.mode));
      writer.uint48(request.op);
      writer.uint48(request.id);
      return writer.text(request.resource);
    case 'open':
      writer.uint8(request.exclusive ? EXCLUSIVE : 0);
      writer.uint48(request.op);
      writer.uint32(request.flags);
      return writer.text(request.lockspace);
    case 'purge':
      writer.uint8(0);
      writer.uint48(request.op);
      writer.uint32(request.nodeId);
      return writer.uint32(request.pid);
    case 'release':
      writer.uint8(0);
      writer.uint48(request.op);
      return writer.uint32(request.force);
    case 'versions':
    case 'ping':
      writer.uint8(0);
      return writer.uint48(request.op);
    default:
      return request satisfies never;
  }
};

/** Appends the reply. The writer must have room for MESSAGE_BYTES_MAX. */
export const encodeReply: Encode<Reply> = (writer, reply) => {
  writer.uint8(replyNumbers[reply.kind] as number);
  switch (reply.kind) {
    case 'queued':
    case 'done':
      writer.uint8(0);
      return writer.uint48(reply.op);
    case 'granted':
      writer.uint8(modeBits(reply.mode) | valueBit(reply.value));
      writer.uint48(reply.op);
      writer.uint32(reply.statusFlags);
      return writeValue(writer, reply.value);
    case 'failed':
      return writeFailure(writer, reply.op, reply.failure);
    case 'versions':
      writer.uint8(0);
      writer.uint48(reply.op);
      writer.text(reply.kernel);
      return writer.text(reply.library);
    case 'blocking':
      writer.uint8(modeBits(reply.mode));
      return writer.uint48(reply.id);
    case 'board':
      writer.uint8(0);
      return writer.uint48(reply.fd);
    case 'log':
      writer.uint8(0);
      writer.uint48(0);
      return writer.text(reply.message);
    default:
      return reply satisfies never;
  }
};

/** Reads one request. Throws FrameError when the bytes are none. */
export function decodeRequest(reader: WireReader): Request {
  const kind = REQUEST_KINDS[reader.uint8()];
  const bits = reader.uint8();
  const op = reader.uint48();
  switch (kind) {
    case 'take':
      only(bits, MODE_MASK | WAIT | PERSISTENT);
      return {
        kind, op, mode: modeOf(bits), wait: (bits & WAIT) !== 0,
        persistent: (bits & PERSISTENT) !== 0,
        id: reader.uint48(), flags: reader.uint32(), resource: reader.text(),
      };
    case 'convert':
      only(bits, MODE_MASK | WAIT | VALUE);
      return {
        kind, op, mode: modeOf(bits), wait: (bits & WAIT) !== 0,
        id: reader.uint48(), flags: reader.uint32(), value: readValue(reader, bits),
      };
    case 'unlock':
      only(bits, VALUE);
      return {
        kind, op,
        id: reader.uint48(), flags: reader.uint32(), value: readValue(reader, bits),
      };
    case 'adopt':
      only(bits, MODE_MASK);
      return { kind, op, mode: modeOf(bits), id: reader.uint48(), resource: reader.text() };
    case 'open':
      only(bits, EXCLUSIVE);
      return {
        kind, op, exclusive: (bits & EXCLUSIVE) !== 0,
        flags: reader.uint32(), lockspace: reader.text(),
      };
    default:
      only(bits, 0);
      return decodePlainRequest(kind, op, reader);
  }
}

/** The requests without bits. */
function decodePlainRequest(
  kind: Exclude<Request['kind'], 'take' | 'convert' | 'unlock' | 'adopt' | 'open'> | undefined,
  op: number, reader: WireReader,
): Request {
  switch (kind) {
    case 'cancel':
    case 'deadlock-cancel':
      return { kind, op, id: reader.uint48() };
    case 'purge':
      return { kind, op, nodeId: reader.uint32(), pid: reader.uint32() };
    case 'release':
      return { kind, op, force: reader.uint32() };
    case 'versions':
    case 'ping':
      return { kind, op };
    case undefined:
      throw new FrameError('a request of no known kind');
    default:
      return kind satisfies never;
  }
}

/** Reads one reply. Throws FrameError when the bytes are none. */
export function decodeReply(reader: WireReader): Reply {
  const kind = REPLY_KINDS[reader.uint8()];
  const bits = reader.uint8();
  const op = reader.uint48();
  switch (kind) {
    case 'granted':
      only(bits, MODE_MASK | VALUE);
      return {
        kind, op, mode: modeOf(bits),
        statusFlags: reader.uint32(), value: readValue(reader, bits),
      };
    case 'blocking':
      only(bits, MODE_MASK);
      return { kind, id: op, mode: modeOf(bits) };
    case 'failed':
      only(bits, RETRYABLE | STATUS);
      return { kind, op, failure: readFailure(reader, bits) };
    default:
      only(bits, 0);
      return decodePlainReply(kind, op, reader);
  }
}

/** The replies without bits. */
function decodePlainReply(
  kind: Exclude<Reply['kind'], 'granted' | 'blocking' | 'failed'> | undefined, op: number,
  reader: WireReader,
): Reply {
  switch (kind) {
    case 'queued':
    case 'done':
      return { kind, op };
    case 'versions':
      return { kind, op, kernel: reader.text(), library: reader.text() };
    case 'board':
      return { kind, fd: op };
    case 'log':
      return { kind, message: reader.text() };
    case undefined:
      throw new FrameError('a reply of no known kind');
    default:
      return kind satisfies never;
  }
}

function writeFailure(writer: WireWriter, op: number, failure: Failure): void {
  writer.uint8((failure.retryable ? RETRYABLE : 0) | (failure.status === null ? 0 : STATUS));
  writer.uint48(op);
  writer.uint32(failure.status ?? 0);
  writer.text(failure.code);
  writer.text(failure.operation);
  writer.text(failure.message);
}

function readFailure(reader: WireReader, bits: number): Failure {
  const status = reader.uint32();
  return {
    status: (bits & STATUS) === 0 ? null : status,
    retryable: (bits & RETRYABLE) !== 0,
    code: reader.text() as DlmErrorCode,
    operation: reader.text(),
    message: reader.text(),
  };
}

function modeBits(mode: LockMode): number {
  return modeNumbers[mode] as number;
}

function modeOf(bits: number): LockMode {
  const mode = LOCK_MODES[bits & MODE_MASK];
  if (mode === undefined) {
    throw new FrameError(`no lock has the mode ${bits & MODE_MASK}`);
  }
  return mode;
}

function valueBit(value: Uint8Array | null): number {
  return value === null ? 0 : VALUE;
}

function writeValue(writer: WireWriter, value: Uint8Array | null): void {
  if (value !== null) {
    if (value.length !== VALUE_BYTES) {
      throw new FrameError(`a lock value block has ${VALUE_BYTES} bytes, not ${value.length}`);
    }
    writer.block(value);
  }
}

function readValue(reader: WireReader, bits: number): Uint8Array | null {
  return (bits & VALUE) === 0 ? null : reader.block(VALUE_BYTES);
}

function only(bits: number, allowed: number): void {
  if ((bits & ~allowed) !== 0) {
    throw new FrameError(`a message with the unknown bits ${bits & ~allowed}`);
  }
}

function numbersOf<K extends string>(kinds: readonly K[]): Readonly<Record<string, number>> {
  return Object.fromEntries(kinds.map((kind, number) => [kind, number]));
}
