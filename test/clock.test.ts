import test from 'ava';
import { systemClock } from '../src/clock.js';

test('a timer never fires early, not even by a part of a millisecond', async (t) => {
  const TIMERS = 300;
  let earliestMs = Infinity;
  for (let index = 0; index < TIMERS; index += 1) {
    // Spread over the millisecond in which they are armed.
    const offsetUntil = performance.now() + (index % 10) / 10;
    while (performance.now() < offsetUntil);
    const armedMs = systemClock.monotonic();
    const firedMs = await new Promise<number>((resolve) => {
      systemClock.setTimer(2, () => resolve(systemClock.monotonic()));
    });
    earliestMs = Math.min(earliestMs, firedMs - armedMs);
  }
  t.true(earliestMs >= 2, `fired after ${earliestMs} ms`);
});

test('a cancelled timer does not fire, also when it was armed again', async (t) => {
  let fired = false;
  const timer = systemClock.setTimer(5, () => {
    fired = true;
  });
  const busyUntil = performance.now() + 10;
  while (performance.now() < busyUntil);
  timer.cancel();
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.false(fired);
});
