import test from 'ava';
import { ECHO_WATCH_LIMITS, EchoWatch } from '../../src/cpg/echo-watch.js';
import { FakeClock } from './support/fake-clock.js';

const { silenceMsMax, graceMs } = ECHO_WATCH_LIMITS;

function setUp() {
  const clock = new FakeClock();
  const waiting: object[] = [];
  let silences = 0;
  const watch = new EchoWatch({
    clock,
    oldest: () => waiting[0] ?? null,
    silent: () => {
      silences += 1;
    },
  });
  return { clock, waiting, watch, silences: () => silences };
}

test('a queue that moves on is never silent, however long it lasts', (t) => {
  const { clock, waiting, watch, silences } = setUp();
  waiting.push({});
  watch.started();
  for (let step = 0; step < 100; step += 1) {
    waiting.push({});
    clock.advance(silenceMsMax / 2);
    waiting.shift();
  }
  t.is(silences(), 0);
});

test('one timer serves any number of messages, and none is left when nothing waits', (t) => {
  const { clock, waiting, watch, silences } = setUp();
  for (let count = 0; count < 100; count += 1) {
    waiting.push({});
    watch.started();
  }
  t.is(clock.armed, 1);
  waiting.length = 0;
  clock.advance(silenceMsMax);
  t.is(clock.armed, 0);
  t.is(silences(), 0);
});

test('silence is told once, and a later message is watched anew', (t) => {
  const { clock, waiting, watch, silences } = setUp();
  waiting.push({});
  watch.started();
  clock.advance(silenceMsMax + graceMs);
  t.is(silences(), 1);
  clock.advance(silenceMsMax + graceMs);
  t.is(silences(), 1);
  watch.started();
  clock.advance(silenceMsMax + graceMs);
  t.is(silences(), 2);
});

test('stopping ends the watch', (t) => {
  const { clock, waiting, watch, silences } = setUp();
  waiting.push({});
  watch.started();
  watch.stop();
  clock.advance(10 * silenceMsMax);
  t.is(silences(), 0);
  t.is(clock.armed, 0);
});
