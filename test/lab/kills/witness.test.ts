import test from 'ava';

import { Witness, type Holding } from './witness.js';

const first: Holding = { node: 1, owner: 'a', resource: 'disk', mode: 'EX' };
const second: Holding = { node: 2, owner: 'b', resource: 'disk', mode: 'EX' };

test('two exclusive holders at once are seen, one after the other are not', (t) => {
  const witness = new Witness();
  witness.begin(first);
  witness.end('a', 'disk');
  witness.begin(second);
  t.deepEqual(witness.violations, []);
  witness.begin(first);
  t.regex(witness.violations.join(), /a on n1 with EX on 'disk' while b on n2/);
});

test('shared holders go together, but not with an exclusive one', (t) => {
  const witness = new Witness();
  witness.begin({ ...first, mode: 'PR' });
  witness.begin({ ...second, mode: 'PR' });
  t.deepEqual(witness.violations, []);
  witness.begin({ ...second, owner: 'c' });
  t.is(witness.violations.length, 2);
});

test('a dead node holds nothing', (t) => {
  const witness = new Witness();
  witness.begin(first);
  witness.nodeDied(1);
  witness.begin(second);
  t.deepEqual(witness.violations, []);
  t.deepEqual(witness.holdingsOf(2), [second]);
});

test('a generation that does not grow is seen', (t) => {
  const witness = new Witness();
  for (const generation of [7, 9, 9]) {
    witness.begin({ ...first, generation });
    witness.end('a', 'disk');
  }
  t.is(witness.generationsSeen, 3);
  t.deepEqual(witness.violations, ["a on n1 with EX on 'disk' has generation 9 after 9"]);
});

test('an end without a beginning is seen', (t) => {
  const witness = new Witness();
  witness.end('a', 'disk');
  t.is(witness.violations.length, 1);
});
