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

test('a convert lists both modes, and its outcome the one that is held', (t) => {
  const held = new Map<number, ListedLock>([[1, listedLock(1, 'held', { mode: 'PR' })]]);
  const since = held.get(1)?.since;
  const begun = applyRecord(held, { kind: 'converting', at: 5, id: 1, from: 'PR', to: 'EX' });
  t.like(begun?.now, { state: 'converting', lock: { mode: 'PR' }, to: 'EX', since });
  const listed = new Map([[1, begun?.now ?? listedLock(1, 'held')]]);
  const kept = applyRecord(listed, { kind: 'held', at: 9, id: 1, mode: 'PR' });
  t.like(kept?.now, { state: 'held', lock: { mode: 'PR' }, to: null, since });
  const granted = applyRecord(listed, { kind: 'held', at: 9, id: 1, mode: 'EX' });
  t.like(granted?.now, { state: 'held', lock: { mode: 'EX' }, to: null, since: 9 });
});

test('the first and the last record of a lock say all that counts', (t) => {
  const first = new Map<number, ListedLock>([[1, listedLock(1, 'intent')]]);
  const converting = { kind: 'converting', at: 5, id: 1, from: 'PR', to: 'CR' } as const;
  t.like(applyRecord(first, converting)?.now, { lock: { mode: 'PR' }, to: 'CR' });
  const releasing = { kind: 'releasing', at: 5, id: 1, why: 'x', mode: 'PR', to: 'CR' } as const;
  t.like(applyRecord(first, releasing)?.now, { state: 'releasing', lock: { mode: 'PR' }, to: 'CR' });
  const old = { kind: 'releasing', at: 5, id: 1, why: 'x' } as const;
  t.like(applyRecord(first, old)?.now, { lock: { mode: 'EX' }, to: null });
});

test('a handover is listed for as long as every record says so', (t) => {
  const { lock } = listedLock(1, 'held');
  const handover = { id: 'h', role: 'source', nodeId: 2, step: 'offered', since: 3 } as const;
  const none = new Map<number, ListedLock>();
  const begun = applyRecord(none, { kind: 'intent', at: 1, lock, handover })?.now;
  t.deepEqual(begun?.handover, handover);
  const held = applyRecord(none, { kind: 'intent', at: 1, lock })?.now;
  t.false('handover' in (held ?? {}));
  let listed = listOf(held);
  for (const record of [
    { kind: 'converting', at: 2, id: lock.id, from: 'EX', to: 'CW', generation: 7, handover },
    { kind: 'held', at: 3, id: lock.id, mode: 'CW', generation: 7, handover },
  ] as const) {
    const now = applyRecord(listed, record)?.now;
    t.like(now, { handover, generation: 7 }, record.kind);
    listed = listOf(now);
  }
  const aborted = { kind: 'held', at: 4, id: lock.id, mode: 'EX', generation: 7 } as const;
  t.is(applyRecord(listed, aborted)?.now?.handover, undefined);
  const released = { kind: 'releasing', at: 4, id: lock.id, why: 'handed over' } as const;
  t.is(applyRecord(listed, released)?.now?.handover, undefined);
});

function listOf(lock: ListedLock | null | undefined): ReadonlyMap<number, ListedLock> {
  return lock === null || lock === undefined ? new Map() : new Map([[lock.lock.id, lock]]);
}
