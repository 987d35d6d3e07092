import test from 'ava';
import { getEventListeners } from 'node:events';

import { Backoff, pause, RETRY_DELAY_MAX_MS, RETRY_DELAY_MIN_MS } from '../../src/coordinator/backoff.js';
import { FakeClock } from './fakes.js';

test('waits double up to the longest and begin anew after a success', async (t) => {
  const clock = new FakeClock();
  const backoff = new Backoff(clock);
  const { signal } = new AbortController();
  const waited: number[] = [];
  for (let at = 0; at < 8; at += 1) {
    let isOver = false;
    const beganMs = clock.nowMs;
    void backoff.wait(signal).then(() => (isOver = true));
    for (let step = 0; step < 60 && !isOver; step += 1) await clock.pass(100);
    waited.push(clock.nowMs - beganMs);
  }
  t.deepEqual(waited.slice(0, 3), [RETRY_DELAY_MIN_MS, 400, 800]);
  t.is(waited.at(-1), RETRY_DELAY_MAX_MS);
  backoff.reset();
  const again = backoff.wait(signal);
  await clock.pass(RETRY_DELAY_MIN_MS);
  await t.notThrowsAsync(again);
});

test('a pause ends with its signal and leaves neither timer nor listener', async (t) => {
  const clock = new FakeClock();
  const ending = new AbortController();
  const paused = pause(clock, 1_000, ending.signal);
  t.is(clock.armed, 1);
  ending.abort();
  await paused;
  t.is(clock.armed, 0);
  t.is(getEventListeners(ending.signal, 'abort').length, 0);
  await t.notThrowsAsync(pause(clock, 1_000, ending.signal));
});
