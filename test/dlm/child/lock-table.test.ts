import test from 'ava';
import { BUSY_RETRIES_MAX } from '../../../src/dlm/child/lock-exit.js';
import {
  EAGAIN, EBUSY, ECANCEL, EDEADLK, ENOENT, ENOTCONN, EUNLOCK, LKF_ALTCW, LKF_ALTPR, LKF_CONVERT,
  LKF_EXPEDITE, LKF_FORCEUNLOCK, LKF_HEADQUE, LKF_IVVALBLK, LKF_NOQUEUE, LKF_PERSISTENT,
  LKF_QUECVT, LKF_VALBLK, SBF_ALTMODE, SBF_DEMOTED, SBF_VALNOTVALID,
} from '../../../src/dlm/constants.js';
import { setUp } from './lock-table-fixture.js';

test('a take asks for NL first and converts when that is granted', (t) => {
  const { kernel, complete, take, codes } = setUp();
  take(true);
  t.deepEqual(kernel.calls, ['null 7 r']);
  complete(7, 0);
  t.deepEqual(kernel.calls, ['null 7 r', 'convert 7 EX wait']);
  t.deepEqual(codes(), ['1 queued']);
  complete(7, 0);
  t.deepEqual(codes(), ['1 queued', '1 done']);
});

for (const [status, code] of [
  [EAGAIN, 'WOULD_BLOCK'], [EDEADLK, 'DEADLOCK'], [ECANCEL, 'CANCELED'], [77, 'KERNEL'],
] as const) {
  test(`a take that ends in status ${status} is told ${code} after its NL lock is gone`, (t) => {
    const { kernel, complete, take, codes, table } = setUp();
    take(false);
    complete(7, 0);
    complete(7, status);
    t.deepEqual(kernel.calls.slice(1), ['convert 7 EX noqueue', 'unlock 7']);
    t.deepEqual(codes(), []);
    complete(7, EUNLOCK);
    t.deepEqual(codes(), [`1 ${code}`]);
    t.is(kernel.calls.at(-1), 'drop 7');
    t.is(table.size, 0);
  });
}

test('a take whose NL request fails leaves nothing behind', (t) => {
  const { kernel, take, codes, table } = setUp();
  kernel.errnos.set('null', [ENOTCONN]);
  take(true);
  t.deepEqual(codes(), ['1 NO_DAEMON']);
  t.deepEqual(kernel.calls, ['null 7 r', 'drop 7']);
  t.is(table.size, 0);
});

test('a take whose conversion call fails unlocks its NL lock', (t) => {
  const { kernel, take, complete, codes } = setUp();
  kernel.errnos.set('convert', [22]);
  take(true);
  complete(7, 0);
  complete(7, EUNLOCK);
  t.deepEqual(kernel.calls, ['null 7 r', 'convert 7 EX wait', 'unlock 7', 'drop 7']);
  t.deepEqual(codes(), ['1 KERNEL']);
});

test('a cancel before the NL lock is granted never converts', (t) => {
  const { kernel, table, take, complete, codes } = setUp();
  take(true);
  table.request({ kind: 'cancel', op: 2, id: 7 });
  complete(7, 0);
  complete(7, EUNLOCK);
  t.deepEqual(kernel.calls, ['null 7 r', 'unlock 7', 'drop 7']);
  t.deepEqual(codes(), ['2 done', '1 CANCELED']);
});

test('a grant that wins against the cancel resolves the take', (t) => {
  const { kernel, table, take, complete, codes } = setUp();
  take(true);
  complete(7, 0);
  table.request({ kind: 'cancel', op: 2, id: 7 });
  complete(7, 0);
  t.deepEqual(kernel.calls.slice(2), ['cancel 7']);
  t.deepEqual(codes(), ['1 queued', '2 done', '1 done']);
});

test('a cancel of a lock that is held or gone does nothing', (t) => {
  const { kernel, table, hold, codes } = setUp();
  hold();
  table.request({ kind: 'cancel', op: 2, id: 7 });
  table.request({ kind: 'cancel', op: 3, id: 8 });
  t.deepEqual(kernel.calls, []);
  t.deepEqual(codes(), ['2 done', '3 done']);
});

test('an unlock is tried again while a lost cancel is still on its way', (t) => {
  const { kernel, table, hold, complete, codes, due } = setUp();
  hold();
  kernel.errnos.set('unlock', [EBUSY, EBUSY]);
  table.request({ kind: 'unlock', op: 2, id: 7, flags: 0, value: null });
  due.shift()?.();
  due.shift()?.();
  t.deepEqual(kernel.calls, ['unlock 7', 'unlock 7', 'unlock 7']);
  complete(7, EUNLOCK);
  t.deepEqual(codes(), ['2 done']);
});

test('an unlock that stays busy is given up and the lock stays held', (t) => {
  const { kernel, table, hold, codes, due } = setUp();
  hold();
  kernel.errnos.set('unlock', Array<number>(BUSY_RETRIES_MAX + 1).fill(EBUSY));
  table.request({ kind: 'unlock', op: 2, id: 7, flags: 0, value: null });
  while (due.length > 0) {
    due.shift()?.();
  }
  t.deepEqual(codes(), ['2 KERNEL']);
  t.is(kernel.calls.length, BUSY_RETRIES_MAX + 1);
  t.is(table.size, 1);
});

test('a conversion that fails keeps the lock held', (t) => {
  const { table, hold, complete, codes } = setUp();
  hold();
  table.request({ kind: 'convert', op: 2, id: 7, mode: 'CW', wait: false, flags: 0, value: null });
  complete(7, EAGAIN);
  table.request({ kind: 'convert', op: 3, id: 7, mode: 'CW', wait: false, flags: 0, value: null });
  complete(7, 0);
  t.deepEqual(codes(), ['2 WOULD_BLOCK', '3 done']);
});

test('an adoption is answered by the call itself', (t) => {
  const { table, codes, kernel } = setUp();
  kernel.errnos.set('adopt', [0, EAGAIN, ENOENT]);
  for (const op of [1, 2, 3]) {
    table.request({ kind: 'adopt', op, id: op, resource: 'r', mode: 'EX' });
  }
  t.deepEqual(codes(), ['1 done', '2 OTHER_MODE', '3 NO_ORPHAN']);
  t.is(table.size, 1);
});

test('requests to a lock that is busy or unknown are refused', (t) => {
  const { table, take, codes } = setUp();
  take(true);
  table.request({ kind: 'unlock', op: 2, id: 7, flags: 0, value: null });
  table.request({ kind: 'convert', op: 3, id: 9, mode: 'PR', wait: true, flags: 0, value: null });
  t.deepEqual(codes(), ['2 BAD_REQUEST', '3 UNKNOWN_LOCK']);
});

test('a blocking notice is passed on for a lock that exists only', (t) => {
  const { table, hold, codes } = setUp();
  hold();
  table.notice({ kind: 'blocking', id: 7, mode: 'PR' });
  table.notice({ kind: 'blocking', id: 8, mode: 'PR' });
  t.deepEqual(codes(), ['blocking']);
});

test('a completion that fits no lock or no step is a fault', (t) => {
  const { hold, complete } = setUp();
  hold();
  t.throws(() => complete(7, 0), { message: /idle lock 7/ });
  t.throws(() => complete(9, 0), { message: /no lock: 9/ });
});

const VALUE = new Uint8Array(32).fill(7);

test('a take that is not persistent is one request, and nothing is left of a refused one', (t) => {
  const { kernel, table, complete, codes } = setUp();
  const take = { kind: 'take', resource: 'r', mode: 'EX', persistent: false, flags: 0 } as const;
  table.request({ ...take, op: 1, id: 7, wait: false });
  complete(7, EAGAIN);
  table.request({ ...take, op: 2, id: 8, wait: true });
  table.request({ kind: 'cancel', op: 3, id: 8 });
  complete(8, ECANCEL);
  table.request({ ...take, op: 4, id: 9, wait: true });
  complete(9, 0);
  t.deepEqual(codes(), ['1 WOULD_BLOCK', '2 queued', '3 done', '2 CANCELED', '4 queued', '4 done']);
  t.deepEqual(kernel.calls, [
    `request 7 r EX ${LKF_NOQUEUE}`, 'drop 7', 'request 8 r EX 0', 'cancel 8', 'drop 8',
    'request 9 r EX 0',
  ]);
  t.is(table.size, 1);
});

test('NL that is not persistent is expedited, never refused', (t) => {
  const { kernel, table } = setUp();
  table.request({
    kind: 'take', op: 1, id: 7, resource: 'r', mode: 'NL', wait: false, persistent: false, flags: 0,
  });
  t.deepEqual(kernel.calls, [`request 7 r NL ${LKF_EXPEDITE}`]);
});

test('a convert of a lock that is not persistent does not make it persistent', (t) => {
  const { kernel, table, complete } = setUp();
  const take = { kind: 'take', resource: 'r', mode: 'PR', wait: true, flags: 0 } as const;
  table.request({ ...take, op: 1, id: 7, persistent: false });
  complete(7, 0);
  table.request({ kind: 'convert', op: 2, id: 7, mode: 'EX', wait: true, flags: 0, value: null });
  t.deepEqual(kernel.flags, [LKF_CONVERT]);
});

test('who asks for the head of the queue is not put behind it', (t) => {
  const { kernel, table, complete } = setUp();
  table.request({
    kind: 'take', op: 1, id: 7, resource: 'r', mode: 'EX', wait: true, persistent: true,
    flags: LKF_HEADQUE,
  });
  complete(7, 0);
  t.deepEqual(kernel.flags, [LKF_CONVERT | LKF_PERSISTENT | LKF_HEADQUE]);
  table.request({
    kind: 'take', op: 2, id: 8, resource: 'r', mode: 'EX', wait: true, persistent: true, flags: 0,
  });
  complete(8, 0);
  t.is(kernel.flags[1], LKF_CONVERT | LKF_PERSISTENT | LKF_QUECVT);
});

test('what was read, and how the grant differs from the request, is told with it', (t) => {
  const { replies, table, complete } = setUp();
  table.request({
    kind: 'take', op: 1, id: 7, resource: 'r', mode: 'EX', wait: false, persistent: true,
    flags: LKF_VALBLK | LKF_ALTPR | LKF_ALTCW,
  });
  complete(7, 0);
  const flags = SBF_ALTMODE | SBF_VALNOTVALID;
  complete(7, 0, { flags, value: VALUE });
  t.deepEqual(replies, [{ kind: 'granted', op: 1, mode: 'PR', statusFlags: flags, value: VALUE }]);
});

test('a demoted lock holds NL when its convert is cancelled', (t) => {
  const { kernel, codes, table, complete, hold } = setUp();
  hold();
  table.request({ kind: 'convert', op: 2, id: 7, mode: 'PR', wait: true, flags: 0, value: null });
  complete(7, ECANCEL, { flags: SBF_DEMOTED });
  table.request({
    kind: 'unlock', op: 3, id: 7, flags: LKF_VALBLK, value: VALUE,
  });
  t.deepEqual(codes(), ['2 queued', '2 CANCELED', '3 BAD_REQUEST']);
  t.deepEqual(kernel.calls, ['convert 7 PR wait']);
});

test('an unlock that writes goes down to NL first: libdlm would send its stack', (t) => {
  const { kernel, codes, table, complete, hold } = setUp();
  hold();
  kernel.flags.length = 0;
  kernel.values.length = 0;
  table.request({ kind: 'unlock', op: 2, id: 7, flags: LKF_VALBLK, value: VALUE });
  complete(7, 0);
  complete(7, EUNLOCK);
  t.deepEqual(kernel.calls, ['convert 7 NL wait', 'unlock 7', 'drop 7']);
  t.deepEqual(kernel.flags, [LKF_CONVERT | LKF_PERSISTENT | LKF_VALBLK, 0]);
  t.deepEqual(kernel.values, [VALUE]);
  t.deepEqual(codes(), ['2 done']);
});

test('a value is not read on the way down nor written on the way up', (t) => {
  const { kernel, codes, table, hold } = setUp();
  hold();
  const convert = { kind: 'convert', id: 7, wait: true } as const;
  table.request({ ...convert, op: 2, mode: 'PR', flags: LKF_VALBLK, value: null });
  table.request({ ...convert, op: 3, mode: 'PR', flags: LKF_IVVALBLK, value: null });
  t.deepEqual(codes(), ['2 BAD_REQUEST', '3 queued']);
  t.deepEqual(kernel.calls, ['convert 7 PR wait']);
});

test('a forced unlock ends what waits, and both are told', (t) => {
  const { kernel, codes, table, complete, hold } = setUp();
  hold();
  kernel.flags.length = 0;
  table.request({ kind: 'convert', op: 2, id: 7, mode: 'EX', wait: true, flags: 0, value: null });
  table.request({ kind: 'unlock', op: 3, id: 7, flags: LKF_FORCEUNLOCK, value: null });
  complete(7, EUNLOCK);
  t.deepEqual(codes(), ['2 queued', '2 CANCELED', '3 done']);
  t.is(kernel.flags[1], LKF_FORCEUNLOCK);
  t.is(table.size, 0);
});

test('a forced unlock of what has just ended by itself is answered by its completion', (t) => {
  const { kernel, table, replies, complete } = setUp();
  table.request({
    kind: 'take', op: 1, id: 7, resource: 'r', mode: 'EX', wait: true, persistent: false, flags: 0,
  });
  kernel.errnos.set('unlock', [ENOENT]);
  kernel.errnos.set('cancel', [ENOENT]);
  table.request({ kind: 'cancel', op: 2, id: 7 });
  table.request({ kind: 'unlock', op: 3, id: 7, flags: LKF_FORCEUNLOCK, value: null });
  complete(7, ECANCEL);
  t.deepEqual(replies.map(({ kind }) => kind), ['queued', 'done', 'failed', 'done']);
  t.is(table.size, 0);
});

test('a forced unlock whose call fails leaves what waits waiting, and only itself fails', (t) => {
  const { kernel, table, replies, complete } = setUp();
  table.request({
    kind: 'take', op: 1, id: 7, resource: 'r', mode: 'EX', wait: true, persistent: false, flags: 0,
  });
  kernel.errnos.set('unlock', [ENOTCONN]);
  table.request({ kind: 'unlock', op: 2, id: 7, flags: LKF_FORCEUNLOCK, value: null });
  t.deepEqual(replies.map((reply) => [reply.kind, 'op' in reply ? reply.op : null]),
    [['queued', 1], ['failed', 2]]);
  complete(7, 0);
  t.deepEqual(replies.at(-1), { kind: 'done', op: 1 });
});

test('an adopted lock takes no harm from the cancel of what its dead process waited for', (t) => {
  const { kernel, table, replies, due, complete } = setUp();
  table.request({ kind: 'adopt', op: 1, id: 7, resource: 'r', mode: 'NL' });
  complete(7, ECANCEL);
  kernel.errnos.set('unlock', [EBUSY]);
  table.request({ kind: 'unlock', op: 2, id: 7, flags: 0, value: null });
  complete(7, ECANCEL);
  due.shift()?.();
  complete(7, EUNLOCK);
  t.deepEqual(replies, [{ kind: 'done', op: 1 }, { kind: 'done', op: 2 }]);
  t.is(table.size, 0);
});

test('after the lockspace is left no retry asks the kernel again', (t) => {
  const { kernel, table, due } = setUp();
  table.request({ kind: 'adopt', op: 1, id: 7, resource: 'r', mode: 'EX' });
  kernel.errnos.set('unlock', [EBUSY]);
  table.request({ kind: 'unlock', op: 2, id: 7, flags: 0, value: null });
  const asked = kernel.calls.length;
  table.abandon();
  due.shift()?.();
  t.is(kernel.calls.length, asked);
});

test('a grant that is just before a forced unlock is told, and the unlock after it', (t) => {
  const { codes, table, complete, hold } = setUp();
  hold();
  table.request({ kind: 'convert', op: 2, id: 7, mode: 'EX', wait: true, flags: 0, value: null });
  table.request({ kind: 'unlock', op: 3, id: 7, flags: LKF_FORCEUNLOCK, value: null });
  complete(7, 0);
  complete(7, EUNLOCK);
  t.deepEqual(codes(), ['2 queued', '2 done', '3 done']);
});

test('a deadlock cancel is asked of the kernel, and its victim is told DEADLOCK', (t) => {
  const { kernel, codes, table, complete, hold } = setUp();
  hold();
  table.request({ kind: 'convert', op: 2, id: 7, mode: 'EX', wait: true, flags: 0, value: null });
  table.request({ kind: 'deadlock-cancel', op: 3, id: 7 });
  complete(7, EDEADLK);
  t.deepEqual(codes(), ['2 queued', '3 done', '2 DEADLOCK']);
  t.deepEqual(kernel.calls, ['convert 7 EX wait', 'deadlock-cancel 7']);
});

test('an unlock of PW or EX that used its value goes down to NL, since the kernel would write', (t) => {
  const { kernel, codes, table, complete } = setUp();
  table.request({
    kind: 'take', op: 1, id: 7, resource: 'r', mode: 'EX', wait: true, persistent: false,
    flags: LKF_VALBLK,
  });
  complete(7, 0, { value: VALUE });
  table.request({ kind: 'unlock', op: 2, id: 7, flags: 0, value: null });
  complete(7, 0);
  complete(7, EUNLOCK);
  t.deepEqual(kernel.calls.slice(1), ['convert 7 NL wait', 'unlock 7', 'drop 7']);
  t.deepEqual(kernel.flags, [LKF_CONVERT, 0]);
  t.deepEqual(codes(), ['1 queued', '1 granted', '2 done']);
});

test('an unlock that invalidates, or from a mode that cannot write, is one call', (t) => {
  for (const [mode, flags] of [['EX', LKF_IVVALBLK], ['PR', 0]] as const) {
    const { kernel, table, complete } = setUp();
    table.request({
      kind: 'take', op: 1, id: 7, resource: 'r', mode, wait: true, persistent: false,
      flags: LKF_VALBLK,
    });
    complete(7, 0, { value: VALUE });
    table.request({ kind: 'unlock', op: 2, id: 7, flags, value: null });
    t.deepEqual(kernel.calls.slice(1), ['unlock 7']);
    t.deepEqual(kernel.flags, [flags]);
  }
});

test('a forced unlock that would spoil the value is refused', (t) => {
  const { kernel, codes, table, complete } = setUp();
  table.request({
    kind: 'take', op: 1, id: 7, resource: 'r', mode: 'PW', wait: true, persistent: false, flags: 0,
  });
  complete(7, 0);
  table.request({
    kind: 'convert', op: 2, id: 7, mode: 'EX', wait: true, flags: LKF_VALBLK, value: null,
  });
  table.request({ kind: 'unlock', op: 3, id: 7, flags: LKF_FORCEUNLOCK, value: null });
  t.deepEqual(codes(), ['1 queued', '1 done', '2 queued', '3 BAD_REQUEST']);
  t.false(kernel.calls.includes('unlock 7'));
});

test('once its parent is gone a table asks nothing more, and is quiet after the last answer', (t) => {
  const { table, kernel, replies, complete, take } = setUp();
  take(true);
  t.false(table.leave(), 'NL is on its way');
  kernel.calls.length = 0;
  complete(7, 0);
  t.true(table.leave());
  complete(7, 0);
  t.deepEqual(kernel.calls, [], 'no conversion follows, and no unlock');
  t.deepEqual(replies, []);
});

test('what is held and idle needs no answer', (t) => {
  const { table, hold } = setUp();
  hold();
  t.true(table.leave());
});
