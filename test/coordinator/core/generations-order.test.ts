import test from 'ava';
import fc from 'fast-check';

import { GenerationsModel } from './generations-model.js';

const RUNS = 3_000;

type Happening = readonly [what: number, who: number, where: number];

/** One random thing happens. */
function happen(model: GenerationsModel, size: number, [kind, who, choice]: Happening): void {
  const node = who % size;
  if (kind < 30) model.handle(node);
  else if (kind < 62) for (let at = 0; at < choice % 40; at += 1) model.handle(node);
  else if (kind < 75) model.grant(node, `r${choice % 2}`);
  else if (kind < 87) model.release(node);
  else if (kind < 92) model.kill(node, choice);
  else if (kind < 97) model.start(node);
  else if (kind < 99) model.restart(node);
  else model.blackout();
}

test('numbers of a resource only rise, whatever is lost, delayed, restarted or heard by one alone', (t) => {
  const seed = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.log(`seed ${seed} (HOLDFAST_SEED repeats it)`);
  let told = 0;
  const happening = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99));
  const result = fc.check(
    fc.property(
      fc.integer({ min: 3, max: 5 }),
      fc.array(happening, { minLength: 50, maxLength: 400 }),
      (size, happenings) => {
        const model = new GenerationsModel(size);
        for (const each of happenings) happen(model, size, each);
        told += model.toldCount;
      },
    ),
    { seed, numRuns: RUNS, endOnFailure: true },
  );
  t.log(`${told} numbers told in ${RUNS} runs`);
  const why = result.errorInstance instanceof Error ? result.errorInstance.message : '';
  t.false(result.failed, `${why}: ${JSON.stringify(result.counterexample)?.slice(0, 2_000)}`);
  t.true(told > RUNS, 'the model must get far enough to tell numbers');
});
