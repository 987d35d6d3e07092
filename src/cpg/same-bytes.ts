/** Up to here a loop is faster than the call of a C++ function. */
const LOOP_BYTES_MAX = 64;

export function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  const { length } = a;
  if (length !== b.length) return false;
  if (length > LOOP_BYTES_MAX) return Buffer.compare(a, b) === 0;
  for (let index = 0; index < length; index += 1) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}
