import test from 'ava';
import { BUSY_RETRIES_MAX } from '../../../src/dlm/child/lock-exit.js';
import {
  EAGAIN, EBUSY, ECANCEL, EDEADLK, EUNLOCK, LKF_VALBLK,
} from '../../../src/dlm/constants.js';
import { setUp } from './lock-table-fixture.js';

const VALUE = new Uint8Array(32).fill(7);

test('a take that failed is answered only when its lock is gone, however long that takes', (t) => {
  const { kernel, table, take, complete, codes, due } = setUp();
  take(false);
  complete(7, 0);
  kernel.errnos.set('unlock', Array<number>(BUSY_RETRIES_MAX + 4).fill(EBUSY));
  complete(7, EAGAIN);
  for (let tries = 0; tries < BUSY_RETRIES_MAX + 3; tries += 1) {
    due.shift()?.();
  }
  t.deepEqual(codes(), ['log'], 'it is told that something is odd, once, and no more');
  t.is(table.size, 1);
  due.shift()?.();
  complete(7, EUNLOCK);
  t.deepEqual(codes(), ['log', '1 WOULD_BLOCK']);
  t.is(table.size, 0);
  t.deepEqual(due, []);
});

test('a withdrawal is not asked of a lockspace that was left', (t) => {
  const { kernel, table, take, complete, due } = setUp();
  take(false);
  complete(7, 0);
  kernel.errnos.set('unlock', Array<number>(BUSY_RETRIES_MAX + 1).fill(EBUSY));
  complete(7, EAGAIN);
  for (let tries = 0; tries < BUSY_RETRIES_MAX; tries += 1) {
    due.shift()?.();
  }
  const asked = kernel.calls.length;
  table.abandon();
  due.shift()?.();
  t.is(kernel.calls.length, asked);
  t.deepEqual(due, []);
});

test('a cancel for its dead process does not end what its adopter converts', (t) => {
  const { table, complete, codes } = setUp();
  table.request({ kind: 'adopt', op: 1, id: 7, resource: 'r', mode: 'PR' });
  table.request({ kind: 'convert', op: 2, id: 7, mode: 'EX', wait: true, flags: 0, value: null });
  complete(7, ECANCEL);
  t.deepEqual(codes(), ['1 done', '2 queued']);
  complete(7, 0);
  t.deepEqual(codes(), ['1 done', '2 queued', '2 done']);
});

test('an adopter whose own convert is cancelled or in a deadlock is told so', (t) => {
  const { table, complete, codes } = setUp();
  table.request({ kind: 'adopt', op: 1, id: 7, resource: 'r', mode: 'PR' });
  table.request({ kind: 'convert', op: 2, id: 7, mode: 'EX', wait: true, flags: 0, value: null });
  table.request({ kind: 'cancel', op: 3, id: 7 });
  complete(7, ECANCEL);
  table.request({ kind: 'convert', op: 4, id: 7, mode: 'EX', wait: true, flags: 0, value: null });
  complete(7, EDEADLK);
  t.deepEqual(codes(), [
    '1 done', '2 queued', '3 done', '2 CANCELED', '4 queued', '4 DEADLOCK',
  ]);
});

test('a cancel for its dead process does not end the way down of an adopted lock', (t) => {
  const { kernel, table, complete, codes } = setUp();
  table.request({ kind: 'adopt', op: 1, id: 7, resource: 'r', mode: 'EX' });
  table.request({ kind: 'unlock', op: 2, id: 7, flags: LKF_VALBLK, value: VALUE });
  complete(7, ECANCEL);
  complete(7, 0);
  complete(7, EUNLOCK);
  t.deepEqual(codes(), ['1 done', '2 done']);
  t.deepEqual(kernel.calls, ['adopt 7 r EX', 'convert 7 NL wait', 'unlock 7', 'drop 7']);
});

test('the way down to NL is tried again while the lock is busy', (t) => {
  const { kernel, table, hold, complete, codes, due } = setUp();
  hold();
  kernel.errnos.set('convert', [EBUSY, EBUSY]);
  table.request({ kind: 'unlock', op: 2, id: 7, flags: LKF_VALBLK, value: VALUE });
  due.shift()?.();
  due.shift()?.();
  t.deepEqual(kernel.calls, Array<string>(3).fill('convert 7 NL wait'));
  t.deepEqual(kernel.values.slice(-3), [VALUE, VALUE, VALUE]);
  complete(7, 0);
  complete(7, EUNLOCK);
  t.deepEqual(codes(), ['2 done']);
});

test('an unlock that fails after the way down says that the lock excludes nobody now', (t) => {
  const { kernel, replies, table, hold, complete, codes, due } = setUp();
  hold();
  table.request({ kind: 'unlock', op: 2, id: 7, flags: LKF_VALBLK, value: VALUE });
  kernel.errnos.set('unlock', Array<number>(BUSY_RETRIES_MAX + 1).fill(EBUSY));
  complete(7, 0);
  while (due.length > 0) {
    due.shift()?.();
  }
  const [reply] = replies;
  t.is(reply?.kind, 'failed');
  t.regex(reply?.kind === 'failed' ? reply.failure.message : '', /lowered to NL/);
  t.true(reply?.kind === 'failed' && reply.failure.retryable);
  table.request({ kind: 'unlock', op: 3, id: 7, flags: 0, value: null });
  complete(7, EUNLOCK);
  t.deepEqual(codes(), ['2 KERNEL', '3 done']);
});
