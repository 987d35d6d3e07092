import test from 'ava';

import { areCompatible, covers, joinModes, LOCK_MODES } from '../../../src/coordinator/core/mode.js';

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

test('a mode covers another when it lets others have nothing more', (t) => {
  const covered = LOCK_MODES.map((held) => {
    return `${held}: ${LOCK_MODES.filter((asked) => covers(held, asked)).join(' ')}`;
  });
  t.deepEqual(covered, [
    'NL: NL', 'CR: NL CR', 'CW: NL CR CW', 'PR: NL CR PR', 'PW: NL CR CW PR PW',
    'EX: NL CR CW PR PW EX',
  ]);
});

test('the weakest mode that covers both is the stronger one, and PW for CW and PR', (t) => {
  t.is(joinModes('CW', 'PR'), 'PW');
  t.is(joinModes('PR', 'CW'), 'PW');
  t.is(joinModes('PR', 'EX'), 'EX');
  t.is(joinModes('CR', 'NL'), 'CR');
});
