import test from 'ava';

import { applyRecord, type ListedLock } from '../../../src/coordinator/core/record.js';
import { listedLock } from './harness.js';

const LISTED = new Map<number, ListedLock>([[1, listedLock(1, 'intent')]]);

test('a listed lock moves on and keeps its facts', (t) => {
  const change = applyRecord(LISTED, { kind: 'held', at: 5, id: 1 });
  t.like(change, { id: 1, now: { state: 'held', since: 5, lock: { resource: 'disk' } } });
  t.deepEqual(applyRecord(LISTED, { kind: 'dropped', at: 5, id: 1, why: 'x' }), { id: 1, now: null });
});

test('a record that contradicts the list is refused', (t) => {
  t.is(applyRecord(LISTED, { kind: 'intent', at: 5, lock: listedLock(1, 'held').lock }), null);
  t.is(applyRecord(LISTED, { kind: 'held', at: 5, id: 2 }), null);
  t.is(applyRecord(LISTED, { kind: 'releasing', at: 5, id: 2, why: 'x' }), null);
  t.is(applyRecord(LISTED, { kind: 'dropped', at: 5, id: 2, why: 'x' }), null);
});
