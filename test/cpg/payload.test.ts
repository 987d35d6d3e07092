import test from 'ava';
import { CpgError } from '../../src/cpg/index.js';
import { BUFFERS_MAX, gather } from '../../src/cpg/payload.js';

const detached = (): Uint8Array => {
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
};

test('what is sent is a copy of what was there at the call, also of shared and pooled memory', (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(1);
  const pooled = Buffer.from('abcdef').subarray(1, 3);
  const copies = [gather(shared, 8), gather(pooled, 8), gather([shared, pooled], 8)];
  shared.fill(9);
  pooled.fill(9);
  t.deepEqual(copies.map((copy) => Buffer.from(copy).toString('hex')), ['010101', '6263', '0101016263']);
});

for (const [what, payload] of [
  ['a detached buffer', detached()],
  ['a detached buffer among others', [new Uint8Array(1), detached()]],
  ['something that only claims to be bytes', new Proxy(new Uint8Array(2), {})],
  ['too many buffers', Array<Uint8Array>(BUFFERS_MAX + 1).fill(new Uint8Array(1))],
] as const) {
  test(`${what} is refused with INVALID_PARAM`, (t) => {
    const error = t.throws(() => gather(payload, 1_000_000), { instanceOf: CpgError });
    t.is(error?.code, 'INVALID_PARAM');
    t.is(error?.operation, 'multicast');
  });
}

test('one byte above the largest size is refused with TOO_BIG, in one buffer or in several', (t) => {
  t.is(gather(new Uint8Array(8), 8).byteLength, 8);
  t.throws(() => gather(new Uint8Array(9), 8), { code: 'TOO_BIG' });
  t.throws(() => gather([new Uint8Array(8), new Uint8Array(1)], 8), { code: 'TOO_BIG' });
});
