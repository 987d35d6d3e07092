import test from 'ava';

import type { ManifestEntry } from '../../../src/coordinator/core/message.js';
import { chunkManifest } from '../../../src/coordinator/wire/chunk.js';
import { encode } from '../../../src/coordinator/wire/codec.js';
import { SNAPSHOT_BYTES_MAX } from '../../../src/coordinator/wire/limits.js';
import { envelopeOf } from './sample.js';

const ENVELOPE_BYTES_MAX = 200;

function entries(count: number, nameBytes: number): ManifestEntry[] {
  return Array.from({ length: count }, (_, id) => ({
    id,
    resource: 'r'.repeat(nameBytes),
    lockspace: 'holdfast',
    mode: 'EX',
    converting: null,
    state: 'held',
    owner: { kind: 'named', name: `vm-${id}` },
    since: 1_790_000_000_000,
    generation: null,
  }));
}

test('an empty manifest is one part', (t) => {
  t.deepEqual(chunkManifest([]), [[]]);
});

test('a small manifest is one part, in its order', (t) => {
  const small = entries(3, 10);
  t.deepEqual(chunkManifest(small), [small]);
});

test('each part of a large manifest fits, and together they are all of it', (t) => {
  const large = entries(5_000, 1_000);
  const parts = chunkManifest(large);
  t.true(parts.length > 5);
  t.deepEqual(parts.flat(), large);
  for (const [part, some] of parts.entries()) {
    const body = { kind: 'snapshot', manifestVersion: 1, part, parts: parts.length } as const;
    const bytes = encode(envelopeOf({ ...body, entries: some }));
    t.true(bytes.byteLength <= SNAPSHOT_BYTES_MAX + ENVELOPE_BYTES_MAX);
  }
});

test('an entry longer than a part makes a part of its own', (t) => {
  t.deepEqual(chunkManifest(entries(3, 100), 10).map((part) => part.length), [1, 1, 1]);
});

test('many tiny entries are split by their number', (t) => {
  const sizes = chunkManifest(entries(20_000, 1), 1e9).map((part) => part.length);
  t.deepEqual(sizes, [16_384, 3_616]);
});
