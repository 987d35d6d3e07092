import test from 'ava';

import { chooseSeed } from '../support/property-seed.js';
import {
  describeFinding, EVERY_BYTE, explore, noCounts, replay, SOME_BYTES, type Counts,
} from './explore.js';
import { OP_SCRIPTS } from './op-scripts.js';
import { randomScript } from './random-script.js';

/** HOLDFAST_CRASH_POINTS asks for more than what fits into every run of the tests. */
const POINTS_MIN = Number(process.env['HOLDFAST_CRASH_POINTS'] ?? 10_000);
/** One test each: a runner that hears nothing for long takes a test for stuck. */
const PARTS = 10;
const REPLAYED = process.env['HOLDFAST_CRASH_POINT'];
const ONLY = process.env['HOLDFAST_SCRIPT'];

// Stacks are most of what an error costs, and refusals are errors.
Error.stackTraceLimit = 0;

function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function wordsOf(counts: Counts, sinceMs: number): string {
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`).join(', ');
  const seconds = (performance.now() - sinceMs) / 1_000;
  return `${totalOf(counts)} points in ${seconds.toFixed(1)} s: ${kinds}`;
}

for (const script of OP_SCRIPTS) {
  if (ONLY !== undefined && ONLY !== script.name) continue;
  test.serial(`no crash within '${script.name}' loses a lock, leaks one, or frees one early`, async (t) => {
    const counts = noCounts();
    const sinceMs = performance.now();
    if (REPLAYED !== undefined) {
      const replayed = await replay(script, EVERY_BYTE, Number(REPLAYED));
      t.log(describeFinding(replayed));
      t.deepEqual(replayed.violations, []);
      return;
    }
    const finding = await explore(script, EVERY_BYTE, counts);
    t.log(wordsOf(counts, sinceMs));
    t.is(finding === null ? null : describeFinding(finding), null);
  });
}

for (let part = 1; part <= PARTS && ONLY === undefined; part += 1) {
  if (REPLAYED !== undefined && part > 1) break;
  test.serial(`no crash within random lives of owners does so either, part ${part}`, async (t) => {
    const seed = chooseSeed(t);
    const counts = noCounts();
    const sinceMs = performance.now();
    if (REPLAYED !== undefined) {
      const finding = await replay(randomScript(seed), SOME_BYTES, Number(REPLAYED));
      t.log(describeFinding(finding));
      t.deepEqual(finding.violations, []);
      return;
    }
    const least = Math.ceil(POINTS_MIN / PARTS);
    for (let run = 0; totalOf(counts) < least; run += 1) {
      const finding = await explore(randomScript(seed + run), SOME_BYTES, counts);
      if (finding === null) continue;
      t.fail(describeFinding(finding));
      return;
    }
    t.log(wordsOf(counts, sinceMs));
    t.true(totalOf(counts) >= least);
  });
}
