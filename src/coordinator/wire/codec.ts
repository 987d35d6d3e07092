import { PROTOCOL_MAX, PROTOCOL_MIN, type Envelope } from '../core/message.js';
import { messageOf } from '../../errors.js';
import { bodyFromWire, bodyToWire } from './body.js';
import { WireError } from './error.js';
import { bigint, integer, present, safeInteger } from './field.js';
import { holdfast } from './generated/manifest.js';
import { INCARNATION_BYTES, MESSAGE_BYTES_MAX, NODE_ID_MAX } from './limits.js';

/** `HFv` and the framing's number: what every message begins with. */
export const MAGIC: Uint8Array = Buffer.from('HFv\x01', 'latin1');

const PROTOCOL_NUMBER_MAX = 0xffff_ffff;
const INCARNATION = /^[0-9a-f]{32}$/;
const RING_SEQ_MAX = (1n << 64n) - 1n;

/** The message as bytes; WireError `BAD_FIELD` or `TOO_LONG`: a caller's mistake. */
export function encode(envelope: Envelope): Uint8Array {
  const { ring, incarnation } = envelope;
  if (!INCARNATION.test(incarnation)) {
    throw new WireError('BAD_FIELD', 'envelope.incarnation is not 32 lower-case hex digits');
  }
  const { protocolMin, protocolMax } = protocols(envelope.protocolMin, envelope.protocolMax);
  // Written into the object of the body: a copy of it by spreading costs more than the encoding.
  const wire = bodyToWire(envelope.body);
  wire.protocolMin = protocolMin;
  wire.protocolMax = protocolMax;
  wire.nodeId = integer(envelope.nodeId, 'envelope.node_id', 1, NODE_ID_MAX);
  wire.incarnation = Buffer.from(incarnation, 'hex');
  wire.seq = safeInteger(envelope.seq, 'envelope.seq', 1);
  wire.ring = {
    nodeId: integer(ring.nodeId, 'ring.node_id', 0, NODE_ID_MAX),
    seq: wide(ring.seq),
  };
  const encoded = holdfast.v1.Envelope.encode(wire).finish();
  const bytes = Buffer.concat([MAGIC, encoded]);
  checkLength(bytes);
  return bytes;
}

/** What was sent, whoever sent it. Throws WireError and nothing else, whatever the bytes. */
export function decode(bytes: Uint8Array): Envelope {
  checkLength(bytes);
  const start = bytes.subarray(0, MAGIC.byteLength);
  if (Buffer.compare(start, MAGIC.subarray(0, start.byteLength)) !== 0) {
    throw new WireError('BAD_MAGIC', 'the message does not begin as one of Holdfast does');
  }
  if (start.byteLength < MAGIC.byteLength) {
    throw new WireError('TRUNCATED', `the message has only ${start.byteLength} bytes`);
  }
  const wire = decodeProtobuf(bytes.subarray(MAGIC.byteLength));
  checkProtocol(wire.protocolMin ?? 0, wire.protocolMax ?? 0);
  const ring = present(wire.ring, 'envelope.ring');
  const { protocolMin, protocolMax } = protocols(wire.protocolMin ?? 0, wire.protocolMax ?? 0);
  return {
    protocolMin,
    protocolMax,
    nodeId: integer(wire.nodeId ?? 0, 'envelope.node_id', 1, NODE_ID_MAX),
    incarnation: incarnationOf(wire.incarnation ?? new Uint8Array()),
    seq: safeInteger(wire.seq ?? 0, 'envelope.seq', 1),
    ring: { nodeId: ring.nodeId ?? 0, seq: bigint(ring.seq ?? 0) },
    body: bodyFromWire(wire),
  };
}

function decodeProtobuf(bytes: Uint8Array): holdfast.v1.Envelope.$Properties {
  try {
    return holdfast.v1.Envelope.decode(bytes);
  } catch (thrown) {
    // protobufjs reads past the end with a RangeError.
    const code = thrown instanceof RangeError ? 'TRUNCATED' : 'BAD_ENCODING';
    const text = `the message of ${bytes.byteLength} bytes is no protobuf: ${messageOf(thrown)}`;
    throw new WireError(code, text, { cause: thrown });
  }
}

/** Before any other field is looked at: a newer protocol may mean something else by them. */
function checkProtocol(min: number, max: number): void {
  const range = { min, max };
  if (min > PROTOCOL_MAX) {
    throw new WireError(
      'NEWER_PROTOCOL',
      `the sender speaks protocol ${min} and newer, this node up to ${PROTOCOL_MAX}; ` +
        'update Holdfast on this node',
      { range },
    );
  }
  if (max > 0 && max < PROTOCOL_MIN) {
    throw new WireError(
      'OLDER_PROTOCOL',
      `the sender speaks protocol ${max} and older, this node from ${PROTOCOL_MIN}; ` +
        'update Holdfast on that node',
      { range },
    );
  }
}

function protocols(min: number, max: number): { protocolMin: number; protocolMax: number } {
  return {
    protocolMin: integer(min, 'envelope.protocol_min', 1, PROTOCOL_NUMBER_MAX),
    protocolMax: integer(max, 'envelope.protocol_max', min, PROTOCOL_NUMBER_MAX),
  };
}

function incarnationOf(bytes: Uint8Array): string {
  integer(bytes.byteLength, 'bytes of envelope.incarnation', INCARNATION_BYTES, INCARNATION_BYTES);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The generated code takes any object with the two halves; its type asks for all of `Long`. */
function wide(value: bigint): NonNullable<holdfast.v1.Ring.$Properties['seq']> {
  if (value < 0n || value > RING_SEQ_MAX) {
    throw new WireError('BAD_FIELD', `ring.seq is ${value}, not an unsigned 64-bit number`);
  }
  const low = Number(BigInt.asIntN(32, value));
  const halves: unknown = { low, high: Number(BigInt.asIntN(32, value >> 32n)), unsigned: true };
  return halves as NonNullable<holdfast.v1.Ring.$Properties['seq']>;
}

function checkLength(bytes: Uint8Array): void {
  if (bytes.byteLength <= MESSAGE_BYTES_MAX) return;
  throw new WireError(
    'TOO_LONG',
    `the message has ${bytes.byteLength} bytes, more than the ${MESSAGE_BYTES_MAX} allowed`,
  );
}
