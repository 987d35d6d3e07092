import { WireError } from './error.js';

/** A 64-bit number as the generated code hands it over. */
type Wide = number | { readonly low: number; readonly high: number };

/** A whole number within its range; BAD_FIELD otherwise. */
export function integer(value: number, field: string, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new WireError('BAD_FIELD', `${field} is ${value}, not a whole number ${min} to ${max}`);
}

/** A 64-bit number that JavaScript counts exactly; BAD_FIELD otherwise. */
export function safeInteger(value: Wide, field: string, min: number): number {
  const exact = typeof value === 'number' ? value : Number(bigint(value));
  return integer(exact, field, min, Number.MAX_SAFE_INTEGER);
}

/** All 64 bits, unsigned. */
export function bigint(value: Wide): bigint {
  if (typeof value === 'number') return BigInt(value);
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}

/** Well-formed text of 1 to `bytesMax` bytes of UTF-8; BAD_FIELD otherwise. */
export function text(value: string, field: string, bytesMax: number): string {
  const bytes = Buffer.byteLength(value);
  if (bytes >= 1 && bytes <= bytesMax && isWellFormed(value)) return value;
  throw new WireError('BAD_FIELD', `${field} is no well-formed text of 1 to ${bytesMax} bytes`);
}

/** A list of at most `max`; BAD_FIELD otherwise. */
export function bounded<T>(values: readonly T[], field: string, max: number): readonly T[] {
  if (values.length <= max) return values;
  throw new WireError('BAD_FIELD', `${field} has ${values.length} elements, more than ${max}`);
}

/** The message that must be there; BAD_FIELD otherwise. */
export function present<T>(value: T | null | undefined, field: string): T {
  if (value !== null && value !== undefined) return value;
  throw new WireError('BAD_FIELD', `${field} is missing`);
}

/** The names of an enum's numbers. */
export function reverse<K extends string>(
  numbers: Readonly<Record<K, number>>,
): ReadonlyMap<number, K> {
  const names = Object.keys(numbers) as K[];
  return new Map(names.map((name) => [numbers[name], name]));
}

/** The name of an enum's number; BAD_FIELD for one that this version does not know. */
export function named<K>(
  names: ReadonlyMap<number, K>,
  value: number | null | undefined,
  field: string,
): K {
  const name = names.get(value ?? 0);
  if (name === undefined) {
    throw new WireError('BAD_FIELD', `${field} is ${value ?? 0}, which this version does not know`);
  }
  return name;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function isWellFormed(value: string): boolean {
  return !LONE_SURROGATE.test(value);
}
