import test from 'ava';

import { digestEntries } from '../../../src/coordinator/core/digest.js';
import { entryOf, PROCESS } from './harness.js';

test('a digest does not depend on the order of the entries', (t) => {
  const one = entryOf(1);
  const two = entryOf(2, { resource: 'web' });
  t.is(digestEntries([one, two]), digestEntries([two, one]));
  t.regex(digestEntries([]), /^[0-9a-f]{16}$/);
});

test('a digest tells every field apart', (t) => {
  const variants = [
    entryOf(1), entryOf(2), entryOf(1, { resource: 'x' }), entryOf(1, { lockspace: 'x' }),
    entryOf(1, { mode: 'PR' }), entryOf(1, { state: 'releasing' }), entryOf(1, { since: 1 }),
    entryOf(1, { owner: null }), entryOf(1, { owner: PROCESS }),
  ];
  t.is(new Set(variants.map((entry) => digestEntries([entry]))).size, variants.length);
});
