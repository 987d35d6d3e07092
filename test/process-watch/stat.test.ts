import test from 'ava';

import { parseStartTime, readStartTime } from '../../src/process-watch/stat.js';

const REST = 'S 1 2 3 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0';

test('the start time is field 22', (t) => {
  t.is(parseStartTime(`4711 (node) ${REST}`), 987_654);
});

test('a command name with spaces and parentheses does not shift the fields', (t) => {
  for (const name of ['a b', ') S 1 2', '((', 'x) R (y', '']) {
    t.is(parseStartTime(`4711 (${name}) ${REST}`), 987_654);
  }
});

test('a line that is too short, or none, has no start time', (t) => {
  t.is(parseStartTime('4711 (node) S 1 2'), null);
  t.is(parseStartTime(''), null);
  t.is(parseStartTime(`4711 (node) ${REST.replace('987654', 'x')}`), null);
});

test('this process has a start time and a pid beyond all has none', (t) => {
  t.true((readStartTime(process.pid) ?? 0) > 0);
  t.is(readStartTime(0x7fff_fff0), null);
});
