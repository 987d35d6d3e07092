import test from 'ava';

import { chooseSeed } from '../support/property-seed.js';
import {
  describeFinding, EVERY_BYTE, explore, noCounts, replay, SOME_BYTES, type Counts,
} from './explore.js';
import { OP_SCRIPTS } from './op-scripts.js';
import { randomScript } from './random-script.js';

/** HOLDFAST_CRASH_POINTS asks for more than what fits into every run of the tests. */
const POINTS_MIN = Number(process.env['HOLDFAST_CRASH_POINTS'] ?? 20_000);
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
  test(`no crash within '${script.name}' loses a lock, leaks one, or frees one early`, async (t) => {
    const counts = noCounts();
    const sinceMs = performance.now();
    const finding = REPLAYED === undefined
      ? await explore(script, EVERY_BYTE, counts)
      : await replay(script, EVERY_BYTE, Number(REPLAYED));
    t.log(wordsOf(counts, sinceMs));
    t.is(finding === null ? null : describeFinding(finding), null);
  });
}

if (ONLY === undefined) {
  test('no crash within random lives of owners does so either', async (t) => {
    const seed = chooseSeed(t);
    const counts = noCounts();
    const sinceMs = performance.now();
    if (REPLAYED !== undefined) {
      const finding = await replay(randomScript(seed), SOME_BYTES, Number(REPLAYED));
      t.log(describeFinding(finding));
      t.deepEqual(finding.violations, []);
      return;
    }
    for (let run = 0; totalOf(counts) < POINTS_MIN; run += 1) {
      const finding = await explore(randomScript(seed + run), SOME_BYTES, counts);
      if (finding !== null) {
        t.fail(describeFinding(finding));
        break;
      }
    }
    t.log(wordsOf(counts, sinceMs));
    t.true(totalOf(counts) >= POINTS_MIN);
  });
}
