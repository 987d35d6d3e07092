import { setTimeout as delay } from 'node:timers/promises';

import { messageOf } from '../../../src/errors.js';
import { LabError } from './error.js';

const INTERVAL_MS = 100;

export interface WaitOptions {
  /** What is waited for, for the error: "n1 to be quorate". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  /** More about the state at the end of a wait in vain, such as the tail of a log. */
  readonly explain?: () => string | Promise<string>;
}

/**
 * Asks again and again until `predicate` gives something other than false, null or undefined, and
 * gives that back. A throw counts as "not yet" and is named in the error when time is up; to stop
 * waiting at once, throw a `LabError` of code `GONE`.
 *
 * The bound is checked between attempts: the predicate has to be bounded itself.
 */
export async function waitUntil<T>(
  predicate: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const started = performance.now();
  let last: unknown = null;
  for (;;) {
    try {
      const answer = await predicate();
      if (answer !== false && answer !== null && answer !== undefined) {
        return answer as Exclude<T, false | null | undefined>;
      }
      last = null;
    } catch (thrown) {
      if (thrown instanceof LabError && thrown.code === 'GONE') throw thrown;
      last = thrown;
    }
    if (performance.now() - started >= options.timeoutMs) throw await timedOut(options, last);
    await delay(options.intervalMs ?? INTERVAL_MS);
  }
}

async function timedOut(options: WaitOptions, last: unknown): Promise<LabError> {
  const reason = last === null ? '' : `; the last attempt failed: ${messageOf(last)}`;
  const more = options.explain === undefined ? '' : `\n${await options.explain()}`;
  const message = `waited ${options.timeoutMs} ms in vain for ${options.what}${reason}${more}`;
  return new LabError('TIMEOUT', message, last ?? undefined);
}
