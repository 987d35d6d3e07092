import test from 'ava';

import { areCompatible, LOCK_MODES } from '../../../src/coordinator/core/mode.js';

test('compatibility is mutual, and EX goes with nothing but NL', (t) => {
  for (const one of LOCK_MODES) {
    for (const other of LOCK_MODES) {
      t.is(areCompatible(one, other), areCompatible(other, one), `${one} ${other}`);
    }
    t.is(areCompatible('EX', one), one === 'NL');
  }
  t.true(areCompatible('PR', 'PR'));
  t.true(areCompatible('CW', 'CW'));
  t.false(areCompatible('CW', 'PR'));
  t.false(areCompatible('PW', 'PW'));
});
