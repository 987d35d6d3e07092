import { createHash } from 'node:crypto';

import test from 'ava';

import { CoordinatorError } from '../../src/coordinator/error.js';
import { checkOwnerName, toLockName } from '../../src/coordinator/resource-name.js';

test('a name of up to 64 bytes is its own lock name', (t) => {
  for (const name of ['a', 'vm-17/disk 1', 'ü'.repeat(32), 'x'.repeat(64), '日本']) {
    t.is(toLockName(name), name);
  }
});

test('a longer name is locked under its hash, counted in bytes and not in characters', (t) => {
  for (const name of ['x'.repeat(65), `${'ü'.repeat(32)}x`, 'y'.repeat(1024)]) {
    t.is(toLockName(name), createHash('sha256').update(name).digest('hex'));
  }
});

const REFUSED: readonly [title: string, name: string, rule: RegExp][] = [
  ['an empty name', '', /is empty/],
  ['a name of 1025 bytes', 'x'.repeat(1025), /1025 bytes.*at most 1024/],
  ['a name that looks like a hash', 'a1'.repeat(32), /64 hex digits/],
  ['a name that looks like a hash in capitals', 'A1'.repeat(32), /64 hex digits/],
  ['a newline', 'a\nb', /U\+000A/],
  ['a NUL', 'a\0', /U\+0000/],
  ['a C1 control character', 'a\u0085', /U\+0085/],
  ['a control character in a long name', `${'x'.repeat(100)}\u007f`, /U\+007F/],
  ['a lone surrogate', 'a\ud83d', /surrogate/],
];

for (const [title, name, rule] of REFUSED) {
  test(`${title} is refused with the rule`, (t) => {
    const error = t.throws(() => toLockName(name), { instanceOf: CoordinatorError });
    t.is(error.code, 'BAD_NAME');
    t.regex(error.message, rule);
  });
}

test('an owner name may look like a hash, but is bounded and free of control characters', (t) => {
  t.notThrows(() => checkOwnerName('a1'.repeat(32)));
  t.notThrows(() => checkOwnerName('x'.repeat(256)));
  for (const name of ['', 'x'.repeat(257), 'a\tb', '\udc00']) {
    t.throws(() => checkOwnerName(name), { instanceOf: CoordinatorError, code: 'BAD_NAME' });
  }
});
