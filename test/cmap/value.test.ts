import test from 'ava';
import * as c from '../../src/cmap/constants.js';
import { CmapError, type CmapValue } from '../../src/cmap/index.js';
import { decodeValue, encodeValue } from '../../src/cmap/value.js';
import { chooseSeed } from '../support/property-seed.js';
import { createRandom } from '../../src/embedded/index.js';

test('what was encoded is decoded again', (t) => {
  const values: readonly CmapValue[] = [
    { type: 'int8', value: -1 }, { type: 'uint8', value: 200 },
    { type: 'int16', value: -300 }, { type: 'uint16', value: 60_000 },
    { type: 'int32', value: -70_000 }, { type: 'uint32', value: 4_000_000_000 },
    { type: 'int64', value: -(2n ** 60n) }, { type: 'uint64', value: 2n ** 63n },
    { type: 'float', value: 0.25 }, { type: 'double', value: Math.PI },
    { type: 'string', value: 'ä' }, { type: 'binary', value: Uint8Array.of(0, 9) },
  ];
  for (const value of values) {
    const { type, bytes, length } = encodeValue(value);
    t.deepEqual(decodeValue(type, bytes.subarray(0, length)), value);
  }
});

test('a string travels with the zero that corosync seeks', (t) => {
  const { bytes, length } = encodeValue({ type: 'string', value: 'ab' });
  t.deepEqual([...bytes], [97, 98, 0]);
  t.is(length, 3);
});

test('an empty value has memory all the same: libcmap refuses a null pointer', (t) => {
  const { bytes, length } = encodeValue({ type: 'binary', value: new Uint8Array(0) });
  t.is(length, 0);
  t.is(bytes.byteLength, 1);
});

test('what no type can hold is refused', (t) => {
  const wrong: readonly unknown[] = [
    null, undefined, 5, 'text', {}, { type: 'int8' }, { type: 'int8', value: '1' },
    { type: 'int8', value: 1n }, { type: 'int64', value: 1 }, { type: 'uint64', value: -1n },
    { type: 'uint64', value: 2n ** 64n }, { type: 'uint32', value: Number.NaN },
    { type: 'float', value: '1' }, { type: 'string', value: 5 }, { type: 'binary', value: [1] },
    { type: 'constructor', value: 1 }, { type: '__proto__', value: 1 },
  ];
  for (const value of wrong) {
    const thrown = t.throws(() => encodeValue(value as CmapValue), { instanceOf: CmapError });
    t.is(thrown.code, 'INVALID_PARAM');
  }
});

test('a type of a newer corosync is not guessed at', (t) => {
  const thrown = t.throws(() => decodeValue(13, new Uint8Array(4)), { instanceOf: CmapError });
  t.is(thrown.code, 'NOT_SUPPORTED');
});

test('whatever bytes come for whatever type, they decode or are refused as CmapError', (t) => {
  const random = createRandom(chooseSeed(t));
  let refused = 0;
  for (let round = 0; round < 5_000; round += 1) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 12) }, () => random() * 256);
    const type = Math.floor(random() * 16);
    try {
      const value = decodeValue(type, bytes);
      t.is(encodeValue(value).type, type);
    } catch (thrown) {
      if (!(thrown instanceof CmapError)) throw thrown;
      refused += 1;
    }
  }
  t.true(refused > 0);
});

test('a number that is shorter than its type is refused, not read beyond its end', (t) => {
  const thrown = t.throws(
    () => decodeValue(c.CMAP_VALUETYPE_UINT64, new Uint8Array(7)), { instanceOf: CmapError },
  );
  t.is(thrown.code, 'MESSAGE_ERROR');
});
