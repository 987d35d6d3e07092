import test from 'ava';

import { describeOwner, isSameOwner, ownerKey } from '../../../src/coordinator/core/owner.js';
import { OTHER, PROCESS, VM } from './harness.js';

test('an owner is the same by name, or by pid and start time', (t) => {
  t.true(isSameOwner(VM, { kind: 'named', name: 'vm-17' }));
  t.false(isSameOwner(VM, OTHER));
  t.false(isSameOwner(PROCESS, { kind: 'process', pid: 4711, startTime: 100 }));
});

test('a name cannot pass for a process', (t) => {
  t.not(ownerKey({ kind: 'named', name: 'process:4711:99' }), ownerKey(PROCESS));
  t.is(describeOwner(PROCESS), 'process 4711');
});
