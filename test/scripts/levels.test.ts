import test from 'ava';

import {
  boundOf, hasTest, LEVELS, packagesOf, selectLevels, summarize, TOTAL_BOUND_MS,
} from '../../scripts/levels.mjs';

const outcome = (name: string, passed: number, failed: number, skipped: string | null = null) => {
  return { name, passed, failed, skipped };
};

test('without a name all levels run, in their order', (t) => {
  const names = selectLevels([]).levels?.map((level) => level.name);
  t.deepEqual(names, ['unit', 'embedded', 'model', 'real', 'lab']);
});

test('named levels run in their own order, each once', (t) => {
  const names = selectLevels(['lab', 'unit', 'lab']).levels?.map((level) => level.name);
  t.deepEqual(names, ['unit', 'lab']);
});

test('a level that does not exist is refused with those that do', (t) => {
  const { levels, problem } = selectLevels(['unit', 'all']);
  t.is(levels, null);
  t.is(problem, 'no test level "all"; there are: unit, embedded, model, real, lab');
});

test('every test file belongs to exactly one level', (t) => {
  const files = [
    'build/test/coordinator/list/read.test.js', 'build/test/scenarios/a.test.js',
    'build/test/real/cpg.test.js', 'build/test/lab/deep/boot.test.js',
    'build/test/model/model.test.js',
  ];
  const levels = files.map((file) => LEVELS.filter((level) => hasTest(level, file)));
  t.deepEqual(levels.map((some) => some.map((level) => level.name)), [
    ['unit'], ['embedded'], ['real'], ['lab'], ['model'],
  ]);
  t.false(LEVELS.some((level) => hasTest(level, 'build/test/lab/guest.js')));
});

test('a level may use its own bound, but no more than is left of the whole', (t) => {
  const [unit] = LEVELS;
  if (unit === undefined) throw new Error('no levels');
  t.is(boundOf(unit, 0), unit.boundMs);
  t.is(boundOf(unit, TOTAL_BOUND_MS - 1_000), 1_000);
  t.is(boundOf(unit, TOTAL_BOUND_MS + 1), 0);
});

test('the last line counts over all levels', (t) => {
  const { lines, ok } = summarize([outcome('unit', 10, 0), outcome('real', 5, 2)], false);
  t.is(lines.at(-1), '15 passed, 2 failed');
  t.false(ok);
});

test('a level that cannot run is named, neither passed nor failed, and fails in CI', (t) => {
  const outcomes = [outcome('unit', 10, 0), outcome('lab', 0, 0, 'no qemu')];
  t.deepEqual(summarize(outcomes, false), {
    lines: ['unit: 10 ok, 0 not ok', 'lab: skipped: no qemu', '10 passed, 0 failed'],
    ok: true,
  });
  t.deepEqual(summarize(outcomes, true), {
    lines: ['unit: 10 ok, 0 not ok', 'lab: FAILED, cannot run: no qemu', '10 passed, 1 failed'],
    ok: false,
  });
});

test('the packages of the lab are the keys of its list', (t) => {
  t.deepEqual(packagesOf({ lab: { packages: { zstd: 'zstd', kmod: 'depmod' } } }), ['zstd', 'kmod']);
  t.deepEqual(packagesOf({}), []);
});
