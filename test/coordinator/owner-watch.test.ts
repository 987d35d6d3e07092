import test from 'ava';

import { systemClock } from '../../src/clock.js';
import type { CoreEvent } from '../../src/coordinator/core/event.js';
import { OwnerWatch } from '../../src/coordinator/owner-watch.js';

const OWNER = { kind: 'process', pid: 7, startTime: 9 } as const;

function bench() {
  const open = new Set<() => void>();
  const events: CoreEvent[] = [];
  const watch = new OwnerWatch(
    {
      identify: () => Promise.resolve(null),
      watch: (_process, ended) => {
        open.add(ended);
        return { close: () => open.delete(ended) };
      },
    },
    systemClock,
    (event) => events.push(event),
  );
  return { open, events, watch };
}

test('the end of a watched process is told, a named owner has none', (t) => {
  const { open, events, watch } = bench();
  watch.watch(1, OWNER);
  watch.watch(2, { kind: 'named', name: 'vm' });
  t.is(open.size, 1);
  for (const ended of open) ended();
  t.deepEqual(events, [{ kind: 'owner-ended', owner: OWNER }]);
});

test('a process is watched once, for as long as one of its locks is', (t) => {
  const { open, watch } = bench();
  watch.watch(1, OWNER);
  watch.watch(1, OWNER);
  watch.watch(2, OWNER);
  t.is(open.size, 1);
  watch.unwatch(1);
  watch.unwatch(1);
  t.is(open.size, 1);
  watch.unwatch(2);
  t.is(open.size, 0);
  watch.watch(3, OWNER);
  watch.close();
  t.is(open.size, 0);
});

test('a lock that comes after the end of its owner is told of that end as well', (t) => {
  const { open, events, watch } = bench();
  watch.watch(1, OWNER);
  for (const ended of [...open]) ended();
  open.clear();
  watch.watch(2, OWNER);
  for (const ended of [...open]) ended();
  t.is(events.length, 2);
});

test('an owner that cannot be watched yet is warned of, and watched later', (t) => {
  const timers: (() => void)[] = [];
  const events: CoreEvent[] = [];
  let isFull = true;
  const watch = new OwnerWatch(
    {
      identify: () => Promise.resolve(null),
      watch: (_process, ended) => {
        if (isFull) throw new Error('too many open files');
        ended();
        return { close: () => undefined };
      },
    },
    {
      ...systemClock,
      setTimer: (_delayMs, callback) => {
        timers.push(callback);
        return { cancel: () => undefined };
      },
    },
    (event) => events.push(event),
  );
  watch.watch(1, OWNER);
  const [warning] = events;
  t.regex(warning?.kind === 'warning' ? warning.text ?? '' : '', /1 processes that own locks cannot be watched yet.*process 7: too many open files/);
  watch.watch(2, { ...OWNER, pid: 8 });
  watch.watch(3, { ...OWNER, pid: 9 });
  watch.unwatch(3);
  isFull = false;
  for (const fire of timers.splice(0)) fire();
  t.true(events.some((event) => event.kind === 'owner-ended'));
  const warnings = events.filter((event) => event.kind === 'warning');
  t.is(new Set(warnings.map(({ topic }) => topic)).size, 1, 'not one line of status for each');
  t.like(warnings.at(-1), { text: null });
});
