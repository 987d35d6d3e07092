import test from 'ava';
import type { CoordinatorEvent, LockView } from '../../src/coordinator/core/view.js';
import { EventSource } from '../../src/reactions/event-source.js';
import { lockEvent, lockOf, nodeEvent, standingEvent, STATUS } from './sample.js';

function namesOf(events: readonly CoordinatorEvent[], locks: readonly LockView[] = []) {
  const source = new EventSource({ status: () => STATUS, nodeId: 1, locks: () => locks });
  return events.map((event) => source.read(event).map(({ event: name }) => name).join());
}

test('a lock that is granted after waiting, or at once, is news; one that others hold is not', (t) => {
  t.deepEqual(namesOf([lockEvent('waiting'), lockEvent('held'), lockEvent('held')]),
    ['', 'lock-granted', '']);
  t.deepEqual(namesOf([lockEvent('held')]), ['lock-granted']);
  t.deepEqual(namesOf([lockEvent('held', { node: { id: 2, name: 'n2' } })]), ['']);
});

test('a lock that is adopted was held all the time: no news', (t) => {
  t.deepEqual(namesOf([lockEvent('held'), lockEvent('orphaned'), lockEvent('held')]),
    ['lock-granted', '', '']);
  t.deepEqual(namesOf([lockEvent('orphaned'), lockEvent('held')]), ['', '']);
});

test('the same lock taken again after its release is granted again', (t) => {
  const gone = lockEvent('releasing', {}, true);
  t.deepEqual(namesOf([lockEvent('held'), lockEvent('releasing'), gone, lockEvent('held')]),
    ['lock-granted', '', '', 'lock-granted']);
});

test('a lost lock is news, and its repetition under another owner is its own', (t) => {
  t.deepEqual(namesOf([lockEvent('orphaned'), lockEvent('lost', {}, true)]), ['', 'lock-lost']);
});

test('an orphan that no list explains is told once', (t) => {
  const found = lockEvent('quarantined', { owner: null });
  const away = lockEvent('orphaned', { owner: null });
  t.deepEqual(namesOf([away, found, away, found]), ['', 'orphan-found', '', '']);
  const gone = lockEvent('quarantined', { owner: null }, true);
  t.deepEqual(namesOf([found, gone, found]), ['orphan-found', '', 'orphan-found']);
  t.deepEqual(namesOf([lockEvent('quarantined', { owner: null })]), ['orphan-found']);
});

test('quorum is lost and regained once, however often its standing changes meanwhile', (t) => {
  t.deepEqual(
    namesOf([
      standingEvent({ kind: 'ok' }), standingEvent({ kind: 'no-quorum' }),
      standingEvent({ kind: 'isolated', reason: 'x' }), standingEvent({ kind: 'no-quorum' }),
      standingEvent({ kind: 'recovering', waitingFor: 'fencing' }), standingEvent({ kind: 'ok' }),
    ]),
    ['', 'quorum-lost', 'isolated', '', 'quorum-regained', ''],
  );
});

test('a node that goes down and is recovered is told twice, with what its manifest listed', (t) => {
  const held = lockOf('held', { node: { id: 2, name: 'n2' } });
  const locks: LockView[] = [held, lockOf('held')];
  const source = new EventSource({ status: () => STATUS, nodeId: 1, locks: () => locks });
  const [down] = source.read(nodeEvent(2, 'node-down'));
  locks.length = 0;
  const [recovered, ...more] = source.read(nodeEvent(2, 'recovered'));
  t.deepEqual(down?.locksOfNode, [held]);
  t.is(recovered?.event, 'node-recovered');
  t.deepEqual(recovered?.locksOfNode, [held]);
  t.deepEqual(more, []);
  t.not(down?.id, recovered?.id);
  t.deepEqual(source.read(nodeEvent(2, 'synced')), []);
});

test('what adoption finds before corosync has told our number is told too', (t) => {
  const unnumbered = { node: { id: 0, name: 'n1' } };
  const source = new EventSource({
    status: () => ({ ...STATUS, node: { id: null, name: 'n1' } }), nodeId: 0, locks: () => [],
  });
  const read = (event: CoordinatorEvent) =>
    source.read(event).map(({ event: name }) => name).join();
  t.is(read(lockEvent('quarantined', { ...unnumbered, owner: null })), 'orphan-found');
  t.is(read(lockEvent('lost', unnumbered, true)), 'lock-lost');
});

test('all locks are looked through only for news, not for each change of each lock', (t) => {
  let asked = 0;
  const status = () => {
    asked += 1;
    return STATUS;
  };
  const source = new EventSource({ status, nodeId: 1, locks: () => [] });
  for (let count = 0; count < 100; count += 1) {
    source.read(lockEvent('orphaned', { resource: `r${count}` }));
  }
  t.is(asked, 0);
});

test('what an earlier run held, and was told before anybody listened, is not granted again', (t) => {
  const unnumbered = { node: { id: 0, name: 'n1' } };
  const source = new EventSource({
    status: () => STATUS, nodeId: 0, locks: () => [lockOf('orphaned', unnumbered)],
  });
  t.deepEqual(source.read(lockEvent('held', unnumbered)), []);
});
