import test from 'ava';

import {
  RETOLD_LINES_MAX, RETOLD_TESTS_MAX, settleCount, TapReader,
} from '../../scripts/tap.mjs';

const OUTPUT = `TAP version 13
ok 1 - list › a title with - dashes, ok
#   seed 17
not ok 2 - list › broken
  ---
  name: AssertionError
  at: test/list.test.ts:1
  ...
ok 3 - wire › later # SKIP
not ok 4 - build/test/x.test.js exited with a non-zero exit code: 1

1..4
# tests 4
# pass 1
# fail 2
`;

test('test points are counted, skipped ones are not passed', (t) => {
  const reader = new TapReader();
  for (const line of OUTPUT.split('\n')) reader.read(line);
  t.deepEqual(reader.count, { passed: 1, failed: 2, skipped: 1 });
});

test('titles, logs and the facts of a failure are shown, the frame is not', (t) => {
  const reader = new TapReader();
  const shown = OUTPUT.split('\n').map((line) => reader.read(line)).filter((line) => line !== null);
  t.deepEqual(shown, [
    '  ✔ list › a title with - dashes, ok',
    '      seed 17',
    '  ✘ list › broken',
    '      name: AssertionError',
    '      at: test/list.test.ts:1',
    '  - wire › later # SKIP',
    '  ✘ build/test/x.test.js exited with a non-zero exit code: 1',
  ]);
});

test('what was shown of a failed test is kept, to be told again at the end', (t) => {
  const reader = new TapReader();
  for (const line of OUTPUT.split('\n')) reader.read(line);
  t.deepEqual(reader.failures, [
    ['  ✘ list › broken', '      name: AssertionError', '      at: test/list.test.ts:1'],
    ['  ✘ build/test/x.test.js exited with a non-zero exit code: 1'],
  ]);
});

test('what is kept of failures is bounded, by tests and by lines', (t) => {
  const reader = new TapReader();
  for (let i = 0; i < 2 * RETOLD_TESTS_MAX; i++) {
    reader.read(`not ok ${i} - test ${i}`);
    for (let line = 0; line < 2 * RETOLD_LINES_MAX; line++) reader.read(`#  line ${line}`);
  }
  t.is(reader.failures.length, RETOLD_TESTS_MAX);
  t.true(reader.failures.every((lines) => lines.length === RETOLD_LINES_MAX));
  t.is(reader.count.failed, 2 * RETOLD_TESTS_MAX);
});

type Ending = [
  title: string, passed: number, failed: number, exit: number | null, settled: number,
];

const ENDINGS: readonly Ending[] = [
  ['a level whose tests passed has no failure', 3, 0, 0, 0],
  ['a level that exits badly without a failed test counts as one failure', 3, 0, 1, 1],
  ['a level that was killed counts as a failure', 3, 0, null, 1],
  ['a level that ran no test at all counts as a failure', 0, 0, 0, 1],
  ['failed tests are counted as they are', 3, 2, 1, 2],
];

for (const [title, passed, failed, exit, settled] of ENDINGS) {
  test(title, (t) => {
    t.deepEqual(settleCount({ passed, failed, skipped: 0 }, exit), { passed, failed: settled });
  });
}
