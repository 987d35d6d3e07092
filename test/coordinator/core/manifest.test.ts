import test from 'ava';

import { digestEntries } from '../../../src/coordinator/core/digest.js';
import { Manifest } from '../../../src/coordinator/core/manifest.js';
import type { ManifestEntry } from '../../../src/coordinator/core/message.js';
import { createRandom } from '../../../src/embedded/random.js';
import { chooseSeed } from '../../support/property-seed.js';
import { entryOf } from './harness.js';

const RESOURCES = ['disk', 'web', 'vm'];

test('after any changes digest and index are those of the entries', (t) => {
  const random = createRandom(chooseSeed(t));
  const below = (bound: number): number => Math.floor(random() * bound);
  const manifest = new Manifest();
  for (let change = 0; change < 3_000; change += 1) {
    const id = below(12);
    if (random() < 0.3) manifest.delete(id);
    else if (random() < 0.002) manifest.clear();
    else {
      const resource = RESOURCES[below(RESOURCES.length)] ?? '';
      manifest.set(id, entryOf(id, { resource, since: below(3) }));
    }
    t.is(manifest.digest, digestEntries(manifest.values()));
    for (const resource of RESOURCES) {
      const expected = [...manifest.values()].filter((entry) => entry.resource === resource);
      t.deepEqual(sorted(manifest.on(resource)), sorted(expected));
    }
  }
});

function sorted(entries: readonly ManifestEntry[]): readonly ManifestEntry[] {
  return [...entries].sort((one, other) => one.id - other.id);
}

test('manifests that differ in one entry of many have other digests', (t) => {
  const entries = Array.from({ length: 5_000 }, (_, id) => entryOf(id, { resource: `disk-${id}` }));
  const whole = Manifest.of(entries);
  const digests = new Set([whole.digest]);
  for (const entry of entries) {
    whole.set(entry.id, { ...entry, state: 'releasing' });
    digests.add(whole.digest);
    whole.set(entry.id, entry);
  }
  t.is(digests.size, entries.length + 1);
  t.is(whole.digest, digestEntries(entries));
});
