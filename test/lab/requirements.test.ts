import test from 'ava';

import { missingPackages, requiredPackages } from './requirements.js';

test('every level names its packages and what is missing is among them', (t) => {
  for (const level of ['lab', 'netns'] as const) {
    const required = requiredPackages(level);
    t.true(required.includes(level === 'lab' ? 'qemu-system-x86' : 'corosync'));
    t.deepEqual(missingPackages(level).filter((name) => !required.includes(name)), []);
  }
});
