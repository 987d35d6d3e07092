import * as c from './constants.js';
import { CmapError } from './error.js';
import { VALUE_BYTES_MAX } from './limits.js';
import type { CmapTypes, CmapValue, CmapValueType } from './port.js';

/** A value as it travels: its CMAP_VALUETYPE_* and its bytes in the machine's order. */
export interface EncodedValue {
  readonly type: number;
  /** Never empty memory: `length` says how much of it counts. */
  readonly bytes: Uint8Array;
  readonly length: number;
}

/**
 * Reads a value that corosync gave. Throws CmapError `NOT_SUPPORTED` for a type that we do not
 * know, and `MESSAGE_ERROR` for a number that is not as long as its type.
 */
export function decodeValue(type: number, bytes: Uint8Array): CmapValue {
  const name = NAMES.get(type);
  if (name === undefined) {
    const text = `a value has type ${type}, which this version does not know; update Holdfast`;
    throw new CmapError('NOT_SUPPORTED', 'decode', text);
  }
  if (name === 'binary') return { type: name, value: Uint8Array.from(bytes) };
  if (name === 'string') return { type: name, value: textOf(bytes) };
  const { bytes: bytesExpected, read } = NUMBERS[name];
  if (bytes.byteLength !== bytesExpected) {
    const text = `a value of type ${name} has ${bytes.byteLength} bytes; corosync is broken`;
    throw new CmapError('MESSAGE_ERROR', 'decode', text);
  }
  return { type: name, value: read(viewOf(bytes)) } as CmapValue;
}

/** Throws CmapError `INVALID_PARAM` for what the type cannot hold, `TOO_BIG` for too much. */
export function encodeValue(given: CmapValue): EncodedValue {
  const type = typeNumberOf(given);
  // Corosync seeks the zero in what it is given and would read on without one.
  if (given.type === 'string') return sized(type, stringBytes(given.value));
  if (given.type === 'binary') return sized(type, binaryBytes(given.value));
  const { bytes: length, write, holds } = NUMBERS[given.type];
  const bytes = Buffer.alloc(length);
  if (!holds(given.value)) throw invalid(`${shown(given.value)} is no ${given.type}`);
  write(viewOf(bytes), given.value as never);
  return { type, bytes, length };
}

/** Whether a value that was read has the type that was asked for. */
export function isOfType<Type extends CmapValueType>(
  value: CmapValue, type: Type,
): value is CmapValue & { readonly type: Type; readonly value: CmapTypes[Type] } {
  return value.type === type;
}

interface NumberType {
  readonly bytes: number;
  readonly read: (view: DataView) => number | bigint;
  readonly write: (view: DataView, value: never) => void;
  readonly holds: (value: unknown) => boolean;
}

const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const NUMBERS: Readonly<Record<Exclude<CmapValueType, 'string' | 'binary'>, NumberType>> = {
  int8: whole(1, true, (v) => v.getInt8(0), (v, n) => v.setInt8(0, n)),
  uint8: whole(1, false, (v) => v.getUint8(0), (v, n) => v.setUint8(0, n)),
  int16: whole(2, true, (v) => v.getInt16(0, LITTLE), (v, n) => v.setInt16(0, n, LITTLE)),
  uint16: whole(2, false, (v) => v.getUint16(0, LITTLE), (v, n) => v.setUint16(0, n, LITTLE)),
  int32: whole(4, true, (v) => v.getInt32(0, LITTLE), (v, n) => v.setInt32(0, n, LITTLE)),
  uint32: whole(4, false, (v) => v.getUint32(0, LITTLE), (v, n) => v.setUint32(0, n, LITTLE)),
  int64: {
    bytes: 8,
    read: (view) => view.getBigInt64(0, LITTLE),
    write: (view, value) => view.setBigInt64(0, value, LITTLE),
    holds: (value) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  },
  uint64: {
    bytes: 8,
    read: (view) => view.getBigUint64(0, LITTLE),
    write: (view, value) => view.setBigUint64(0, value, LITTLE),
    holds: (value) => typeof value === 'bigint' && BigInt.asUintN(64, value) === value,
  },
  float: {
    bytes: 4,
    read: (view) => view.getFloat32(0, LITTLE),
    write: (view, value) => view.setFloat32(0, value, LITTLE),
    holds: (value) => typeof value === 'number',
  },
  double: {
    bytes: 8,
    read: (view) => view.getFloat64(0, LITTLE),
    write: (view, value) => view.setFloat64(0, value, LITTLE),
    holds: (value) => typeof value === 'number',
  },
};

const NAMES: ReadonlyMap<number, CmapValueType> = new Map([
  [c.CMAP_VALUETYPE_INT8, 'int8'],
  [c.CMAP_VALUETYPE_UINT8, 'uint8'],
  [c.CMAP_VALUETYPE_INT16, 'int16'],
  [c.CMAP_VALUETYPE_UINT16, 'uint16'],
  [c.CMAP_VALUETYPE_INT32, 'int32'],
  [c.CMAP_VALUETYPE_UINT32, 'uint32'],
  [c.CMAP_VALUETYPE_INT64, 'int64'],
  [c.CMAP_VALUETYPE_UINT64, 'uint64'],
  [c.CMAP_VALUETYPE_FLOAT, 'float'],
  [c.CMAP_VALUETYPE_DOUBLE, 'double'],
  [c.CMAP_VALUETYPE_STRING, 'string'],
  [c.CMAP_VALUETYPE_BINARY, 'binary'],
]);

/** The name of a CMAP_VALUETYPE_*, or null for one that we do not know. */
export function typeNameOf(type: number): CmapValueType | null {
  return NAMES.get(type) ?? null;
}

function typeNumberOf(given: CmapValue): number {
  // Callers without types may give anything at all.
  const wanted: unknown = (given as Partial<CmapValue> | null | undefined)?.type;
  for (const [number, name] of NAMES) if (name === wanted) return number;
  throw invalid(`${shown(wanted)} is no type of value`);
}

function whole(
  bytes: number, signed: boolean,
  read: NumberType['read'], write: (view: DataView, value: number) => void,
): NumberType {
  const values = 2 ** (8 * bytes);
  const least = signed ? -values / 2 : 0;
  return {
    bytes,
    read,
    write,
    holds: (value) =>
      Number.isInteger(value) && Number(value) >= least && Number(value) < least + values,
  };
}

function sized(type: number, bytes: Uint8Array): EncodedValue {
  const length = bytes.byteLength;
  if (length <= VALUE_BYTES_MAX) {
    return { type, bytes: length > 0 ? bytes : Buffer.alloc(1), length };
  }
  const text = `the value takes ${length} bytes; corosync stores ${VALUE_BYTES_MAX} at most`;
  throw new CmapError('TOO_BIG', 'set', text);
}

function stringBytes(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw invalid(`${shown(value)} is no string`);
  if (value.includes('\0')) throw invalid('a string must not contain U+0000');
  return Buffer.from(`${value}\0`, 'utf8');
}

function binaryBytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw invalid(`${shown(value)} is no Uint8Array`);
  return Uint8Array.from(value);
}

/** A string's length counts the zero at its end. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function shown(value: unknown): string {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : typeof value;
}

function invalid(text: string): CmapError {
  return new CmapError('INVALID_PARAM', 'set', `set: ${text}`);
}
