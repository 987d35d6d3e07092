import test from 'ava';
import { parseStartTime } from '../../src/process-watch/stat.js';
import { fuzz } from '../support/fuzz.js';
import { chooseSeed } from '../support/property-seed.js';

class Never extends Error {}

const STAT = Buffer.from(
  '4711 (a) b ) R 1 4711 4711 0 -1 4194560 106 0 0 0 0 0 0 0 20 0 1 0 8675309 2617344 229 ' +
  '18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n', 'latin1');

test('any text as /proc/PID/stat gives a start time that JavaScript counts exactly, or none', (t) => {
  t.is(parseStartTime(STAT.toString('latin1')), 8_675_309);
  fuzz({ seed: chooseSeed(t), samples: [STAT], runs: 3_000 },
    (input) => parseStartTime(input.toString('latin1')), Never,
    (time) => t.true(time === null || (Number.isSafeInteger(time) && time >= 0), String(time)));
});

test('a start time beyond what JavaScript counts exactly is none', (t) => {
  t.is(parseStartTime(STAT.toString('latin1').replace('8675309', '9'.repeat(30))), null);
});
