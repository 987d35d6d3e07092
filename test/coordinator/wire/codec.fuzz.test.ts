import test from 'ava';
import {
  decode, encode, MESSAGE_BYTES_MAX, WireError,
} from '../../../src/coordinator/wire/index.js';
import { MAGIC } from '../../../src/coordinator/wire/codec.js';
import { ENTRIES_MAX, REMOVED_MAX } from '../../../src/coordinator/wire/limits.js';
import { fuzz } from '../../support/fuzz.js';
import { chooseSeed } from '../../support/property-seed.js';
import { BODIES, envelopeOf } from './sample.js';

const samples = BODIES.map((body) => encode(envelopeOf(body)));

test('whatever bytes arrive, decoding fails by WireError alone, and what it gives can be sent on', (t) => {
  const options = { seed: chooseSeed(t), samples, runs: 3_000 };
  const { decoded, refused } = fuzz(options, decode, WireError,
    (envelope) => {
      if (envelope.body.kind === 'unknown') return;
      const again = decode(encode(envelope));
      t.deepEqual(again, envelope);
    });
  t.true(decoded > 0 && refused > 0);
});

test('random bytes behind the magic fail by WireError alone', (t) => {
  const seed = chooseSeed(t);
  const behind = (bytes: Buffer) => decode(Buffer.concat([MAGIC, bytes]));
  const { refused } = fuzz({ seed, samples: [], runs: 3_000 }, behind, WireError);
  t.true(refused > 0);
});

/** The tag of field 18, as a varint of two bytes. */
const DELTA_TAG = Buffer.from([0x92, 0x01]);
/** Tag and type of a protobuf field. @see https://protobuf.dev/programming-guides/encoding/ */
const tag = (field: number, type: number): number => (field << 3) | type;

test('groups within groups to the largest message fail by WireError, not by the stack', (t) => {
  const deep = Buffer.alloc(MESSAGE_BYTES_MAX - MAGIC.byteLength, tag(15, 3));
  t.throws(() => decode(Buffer.concat([MAGIC, deep])), { instanceOf: WireError });
});

test('the most ids that fit into a message are refused by their number', (t) => {
  const sample = Buffer.from(encode(envelopeOf({
    kind: 'delta', manifestVersion: 8, changed: [], removed: Array<number>(REMOVED_MAX).fill(1),
  })));
  t.is(decode(sample).body.kind, 'delta');
  const body = { kind: 'delta', manifestVersion: 8, changed: [], removed: Array<number>(REMOVED_MAX + 1).fill(1) } as const;
  t.throws(() => encode(envelopeOf(body)), { instanceOf: WireError, message: /removed/ });
});

test('empty entries by the ten thousand are refused', (t) => {
  const sample = encode(envelopeOf({ kind: 'delta', manifestVersion: 8, changed: [], removed: [] }));
  t.is(decode(sample).body.kind, 'delta');
  // The same field again is merged into the first: nothing but empty entries.
  const entries = Buffer.concat(Array<Buffer>(ENTRIES_MAX * 4).fill(Buffer.from([tag(2, 2), 0])));
  const length = [0x80 | (entries.length & 0x7f), 0x80 | ((entries.length >> 7) & 0x7f)];
  const field = Buffer.from([...DELTA_TAG, ...length, entries.length >> 14]);
  t.true(Buffer.from(sample).includes(DELTA_TAG));
  const bytes = Buffer.concat([sample, field, entries]);
  const error = t.throws(() => decode(bytes), { instanceOf: WireError });
  t.is(error?.code, 'BAD_FIELD');
});
