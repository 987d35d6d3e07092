import test from 'ava';

import { viewOrphans } from '../../src/coordinator/orphans.js';
import { toLockName } from '../../src/coordinator/resource-name.js';
import { aLock } from '../control/fake-service.js';

test('an orphan is shown with what it blocks and who waits, also under a hashed name', (t) => {
  const long = 'volume/'.repeat(20);
  const orphan = aLock({ resource: toLockName(long), mode: 'PR', state: 'quarantined', owner: null });
  const waiting = aLock({ resource: long, state: 'waiting' });
  const views = viewOrphans([aLock(), orphan, waiting, aLock({ state: 'waiting' })]);
  t.deepEqual(views, [{ lock: orphan, blocks: ['CW', 'PW', 'EX'], waiting: [waiting] }]);
});

test('a lock that somebody owns is no orphan of this sort, whatever its state', (t) => {
  t.deepEqual(viewOrphans([aLock(), aLock({ state: 'orphaned' }), aLock({ state: 'releasing' })]), []);
});
