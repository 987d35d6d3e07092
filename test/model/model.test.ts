import test from 'ava';
import { checkModel } from './support/check-model.js';

/** More faults and attempts than the file's own bounds, to see that those do not hide anything. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  'handover.pml': ['DAEMON_CRASHES=3', 'NODE_DEATHS=2', 'HANDOVERS=3', 'JOINS=3'],
  'adoption.pml': ['CRASHES=6', 'OPERATIONS=7'],
};

for (const [name, more] of Object.entries(MORE)) {
  test.serial(`in ${name} nothing goes wrong, wherever it is cut off`, async (t) => {
    const verdict = await checkModel(name, 'ends');
    t.is(verdict.errors, 0, verdict.report);
    t.true(verdict.isComplete, verdict.report);
    t.true(verdict.states > 1_000);
    t.deepEqual(verdict.unreached, [], 'every action happens');
  });

  test.serial(`in ${name} nothing goes round in circles`, async (t) => {
    const verdict = await checkModel(name, 'cycles');
    t.is(verdict.errors, 0, verdict.report);
    t.true(verdict.isComplete, verdict.report);
  });

  test.serial(`in ${name} nothing goes wrong with more faults either`, async (t) => {
    const verdict = await checkModel(name, 'ends', more);
    t.is(verdict.errors, 0, verdict.report);
    t.true(verdict.isComplete, verdict.report);
  });
}

const MUTANTS: Readonly<Record<string, readonly string[]>> = {
  'handover.pml': [
    'RELEASE_EARLY', 'CW_FOR_OWNERS', 'BACK_BLINDLY', 'KEEP_ON_ABORT', 'RECOVER_UNFENCED',
  ],
  'adoption.pml': [
    'WRITE_LATE', 'TRUST_THE_LIST', 'KEEP_RELEASING', 'DROP_UNKNOWN', 'TELL_EARLY',
  ],
};

for (const [name, mutants] of Object.entries(MUTANTS)) {
  for (const mutant of mutants) {
    test.serial(`${name} with ${mutant} is seen to be wrong`, async (t) => {
      const { errors, report } = await checkModel(name, 'ends', [mutant]);
      t.is(errors, 1, report);
      t.regex(report, /assertion violated/);
    });
  }
}
