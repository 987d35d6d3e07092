import test from 'ava';
import { MemberTable } from '../../src/cpg/member-table.js';

test('one sender is one object, which nobody can change', (t) => {
  const table = new MemberTable();
  const first = table.get(1, 100);
  table.get(2, 100);
  t.is(table.get(1, 100), first);
  t.deepEqual(first, { nodeId: 1, pid: 100 });
  t.true(Object.isFrozen(first));
});

test('senders that differ in either number are different', (t) => {
  const table = new MemberTable();
  const all = [table.get(1, 2), table.get(2, 1), table.get(1, 1), table.get(2, 2), table.get(0, 0)];
  t.is(new Set(all).size, 5);
});

test('it stays right when more senders come than it keeps', (t) => {
  const table = new MemberTable();
  for (let pid = 1; pid <= 5_000; pid += 1) {
    t.like(table.get(pid % 7, pid), { nodeId: pid % 7, pid });
  }
  t.like(table.get(1, 1), { nodeId: 1, pid: 1 });
});
