import { readFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';

import test from 'ava';
import fc from 'fast-check';

import type { Envelope } from '../../../src/coordinator/core/message.js';
import { decode, encode, MAGIC } from '../../../src/coordinator/wire/codec.js';
import { WireError, type WireErrorCode } from '../../../src/coordinator/wire/error.js';
import { MESSAGE_BYTES_MAX } from '../../../src/coordinator/wire/limits.js';
import { BODIES, ENTRIES, envelope, envelopeOf, HANDED_OVER } from './sample.js';

const golden = JSON.parse(
  readFileSync('test/coordinator/wire/golden.json', 'utf8'),
) as Record<string, string>;
const seed = randomInt(2 ** 31);

for (const body of BODIES) {
  test(`${body.kind} has the bytes that it always had`, (t) => {
    const message = envelopeOf(body);
    const bytes = golden[body.kind] ?? '';
    t.is(Buffer.from(encode(message)).toString('hex'), bytes);
    t.deepEqual(decode(Buffer.from(bytes, 'hex')), message);
  });
}

test('a handover has the bytes that it always had, whoever speaks of it', (t) => {
  const body = { kind: 'delta', manifestVersion: 8, changed: HANDED_OVER, removed: [] } as const;
  const bytes = golden['handover'] ?? '';
  t.is(Buffer.from(encode(envelopeOf(body))).toString('hex'), bytes);
  t.deepEqual(decode(Buffer.from(bytes, 'hex')).body, body);
});

test('messages from before there were generations are read as having none', (t) => {
  const read = (name: string) => decode(Buffer.from(golden[`before generations: ${name}`] ?? '', 'hex')).body;
  const hello = read('hello');
  t.like(hello, { kind: 'hello', nodeName: 'alpha', generationFloor: 0, view: '' });
  const entries = ENTRIES.map((entry) => ({ ...entry, generation: null }));
  t.like(read('snapshot'), { kind: 'snapshot', manifestVersion: 7 });
  t.deepEqual(read('delta'), {
    kind: 'delta', manifestVersion: 8, changed: entries.slice(0, 1), removed: [2, 300],
  });
});

test('every message comes out as it went in', (t) => {
  t.log(`seed ${seed}`);
  fc.assert(
    fc.property(envelope, (message) => {
      t.deepEqual(decode(encode(message)), message);
    }),
    { seed, numRuns: 300 },
  );
});

test('random bytes behind the magic give a message or a WireError', (t) => {
  t.log(`seed ${seed}`);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      t.true(isMessageOrWireError(Buffer.concat([MAGIC, bytes])));
    }),
    { seed, numRuns: 2_000 },
  );
});

test('a message with some bytes changed gives a message or a WireError', (t) => {
  t.log(`seed ${seed}`);
  const change = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(envelope, fc.array(change, { minLength: 1, maxLength: 8 }), (message, changes) => {
      const bytes = Buffer.from(encode(message));
      for (const [at, value] of changes) bytes[at % bytes.byteLength] = value;
      t.true(isMessageOrWireError(bytes));
    }),
    { seed, numRuns: 1_000 },
  );
});

test('a message cut at any byte is refused or lacks its body', (t) => {
  const bytes = encode(envelopeOf({ kind: 'digest', manifestVersion: 8, digest: 'b'.repeat(64) }));
  for (let length = 0; length < bytes.byteLength; length += 1) {
    const cut = bytes.subarray(0, length);
    const code = codeOf(() => decode(cut));
    t.true(code === 'TRUNCATED' || code === 'BAD_FIELD' || decode(cut).body.kind === 'unknown');
  }
});

test('a body of a newer type is unknown and fields of a newer type are passed over', (t) => {
  const bytes = encode(envelopeOf({ kind: 'goodbye', keepsLocks: true }));
  // Field 60, length-delimited, two bytes.
  const extra = Buffer.from([0xe2, 0x03, 2, 1, 2]);
  t.deepEqual(decode(Buffer.concat([bytes, extra])), decode(bytes));
  // Field 22, length-delimited, instead of field 21 (goodbye).
  const newer = Buffer.from(bytes);
  const at = newer.lastIndexOf(Buffer.from([0xaa, 0x01]));
  newer[at] = 0xb2;
  t.deepEqual(decode(newer).body, { kind: 'unknown' });
});

test('something else than a Holdfast message is refused by its first bytes', (t) => {
  t.is(codeOf(() => decode(Buffer.from('hello'))), 'BAD_MAGIC');
  t.is(codeOf(() => decode(Buffer.from('H'))), 'TRUNCATED');
  t.is(codeOf(() => decode(new Uint8Array())), 'TRUNCATED');
});

test('a sender that speaks only newer protocols is told apart before its fields are', (t) => {
  const bytes = Buffer.concat([MAGIC, Buffer.from([0x08, 2, 0x10, 3])]);
  t.is(codeOf(() => decode(bytes)), 'NEWER_PROTOCOL');
});

test('a message that is too long is refused on both sides', (t) => {
  t.is(codeOf(() => decode(new Uint8Array(MESSAGE_BYTES_MAX + 1))), 'TOO_LONG');
  const [entry] = ENTRIES;
  const entries = Array.from({ length: 1_000 }, (_, id) => {
    return { ...(entry ?? t.fail()), id, resource: 'x'.repeat(1_024) };
  }) as typeof ENTRIES;
  const body = { kind: 'snapshot', manifestVersion: 1, part: 0, parts: 1, entries } as const;
  t.is(codeOf(() => encode(envelopeOf(body))), 'TOO_LONG');
});

const BAD: readonly [title: string, change: (good: Envelope) => Envelope][] = [
  ['an incarnation of another length', (good) => ({ ...good, incarnation: 'ab' })],
  ['a node id of 0', (good) => ({ ...good, nodeId: 0 })],
  ['a seq of 0', (good) => ({ ...good, seq: 0 })],
  ['a seq that is not exact', (good) => ({ ...good, seq: 2 ** 53 })],
  ['a negative ring seq', (good) => ({ ...good, ring: { nodeId: 1, seq: -1n } })],
  ['a ring seq of 65 bits', (good) => ({ ...good, ring: { nodeId: 1, seq: 1n << 64n } })],
  ['a body of unknown type', (good) => ({ ...good, body: { kind: 'unknown' } })],
  [
    'a part beyond the parts',
    (good) => ({
      ...good,
      body: { kind: 'snapshot', manifestVersion: 1, part: 2, parts: 2, entries: [] },
    }),
  ],
  [
    'a lone surrogate',
    (good) => ({ ...good, body: { kind: 'digest', manifestVersion: 1, digest: '\ud800' } }),
  ],
  [
    'an empty digest',
    (good) => ({ ...good, body: { kind: 'digest', manifestVersion: 1, digest: '' } }),
  ],
];

for (const [title, change] of BAD) {
  test(`${title} is not sent`, (t) => {
    const good = envelopeOf({ kind: 'goodbye', keepsLocks: false });
    t.is(codeOf(() => encode(change(good))), 'BAD_FIELD');
  });
}

test('a mode or state that this version does not know is refused', (t) => {
  const body = { kind: 'delta', manifestVersion: 8, changed: ENTRIES.slice(0, 1), removed: [] };
  const bytes = Buffer.from(encode(envelopeOf(body as (typeof BODIES)[number])));
  // The entry's fields 4 and 5: mode EX = 6, state held = 3.
  const at = bytes.indexOf(Buffer.from([0x20, 6, 0x28, 3]));
  t.true(at > 0);
  bytes[at + 1] = 99;
  t.is(codeOf(() => decode(bytes)), 'BAD_FIELD');
});

function codeOf(action: () => unknown): WireErrorCode | null {
  try {
    action();
    return null;
  } catch (thrown) {
    if (thrown instanceof WireError) return thrown.code;
    throw thrown;
  }
}

function isMessageOrWireError(bytes: Uint8Array): boolean {
  return codeOf(() => decode(bytes)) !== undefined;
}
