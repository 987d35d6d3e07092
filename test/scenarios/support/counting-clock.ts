import type { Timer } from '../../../src/clock.js';
import { FakeClock } from '../../support/fake-clock.js';

/** A fake clock that counts the timers that fired, to find what wakes up too often. */
export class CountingClock extends FakeClock {
  fired = 0;

  override setTimer(delayMs: number, callback: () => void): Timer {
    return super.setTimer(delayMs, () => {
      this.fired += 1;
      callback();
    });
  }
}
