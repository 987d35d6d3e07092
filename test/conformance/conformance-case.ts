import assert from 'node:assert/strict';
import type { TestFn } from 'ava';
import { chooseSeed } from '../support/property-seed.js';

/** The assertions that cases use; node:assert/strict has them, other runners may bring theirs. */
export interface Assert {
  equal(actual: unknown, expected: unknown, message?: string): void;
  deepEqual(actual: unknown, expected: unknown, message?: string): void;
  ok(value: boolean, message?: string): void;
}

/**
 * One sentence about a port and the run that shows it, for any side of that port. It speaks only
 * the port's vocabulary, so that members may live in other processes or on other machines.
 */
export interface ConformanceCase<Fixture, Capability extends string = never> {
  readonly title: string;
  /** What the fixture must be able to do beside the usual; the case is left out otherwise. */
  readonly needs: readonly Capability[];
  /** `drawSeed` is for cases that roll dice: the seed is printed, HOLDFAST_SEED sets it. */
  readonly run: (fixture: Fixture, assert: Assert, drawSeed: () => number) => Promise<void>;
}

/** Registers the cases with ava, each with a fixture of its own, which is closed in any case. */
export function registerConformance<
  Fixture extends { close(): Promise<void> }, Need extends string,
>(
  test: TestFn,
  options: {
    readonly side: string;
    readonly cases: readonly ConformanceCase<Fixture, Need>[];
    readonly capabilities: readonly Need[];
    readonly createFixture: () => Promise<Fixture>;
  },
): void {
  const { side, cases, capabilities, createFixture } = options;
  for (const { title, needs, run } of cases) {
    if (!needs.every((need) => capabilities.includes(need))) continue;
    test(`${side}: ${title}`, async (t) => {
      const fixture = await createFixture();
      try {
        await t.notThrowsAsync(run(fixture, assert, () => chooseSeed(t)));
      } finally {
        await fixture.close();
      }
    });
  }
}

/** How long `eventually` waits, in ms; recovery on real nodes takes seconds. */
const EVENTUALLY_MS_MAX = 20_000;
const POLL_DELAY_MS = 20;

/** Asks again until the answer satisfies; fails with the last answer when it takes too long. */
export async function eventually<Answer>(
  what: string, ask: () => Promise<Answer>, satisfies: (answer: Answer) => boolean,
): Promise<Answer> {
  const endMs = performance.now() + EVENTUALLY_MS_MAX;
  for (;;) {
    const answer = await ask();
    if (satisfies(answer)) return answer;
    if (performance.now() > endMs) {
      throw new assert.AssertionError({
        message: `not seen in ${EVENTUALLY_MS_MAX} ms: ${what}; last: ${show(answer)}`,
      });
    }
    await pause(POLL_DELAY_MS);
  }
}

/** How a promise stands after `graceMs`: the code of a HoldfastError when it was rejected. */
export async function outcomeWithin(promise: Promise<unknown>, graceMs: number): Promise<string> {
  return Promise.race([outcomeOf(promise), pause(graceMs).then(() => 'pending')]);
}

/** `ok`, or the code of what it was rejected with. */
export function outcomeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'ok', codeOf);
}

/** The code of a HoldfastError; anything else is thrown again. */
export function codeOf(thrown: unknown): string {
  if (thrown instanceof Error && 'code' in thrown) return String(thrown.code);
  throw thrown;
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

/** The end of an answer, which is what a wait was waiting for. */
const SHOWN_CHARACTERS_MAX = 4_000;

function show(answer: unknown): string {
  const plain = (_key: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
    return typeof value === 'bigint' ? String(value) : value;
  };
  return JSON.stringify(answer, plain).slice(-SHOWN_CHARACTERS_MAX);
}
