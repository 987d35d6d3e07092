import test from 'ava';
import type { LockKernel } from '../../../src/dlm/child/lock-kernel.js';
import { BUSY_RETRIES_MAX, LockTable } from '../../../src/dlm/child/lock-table.js';
import {
  EAGAIN, EBUSY, ECANCEL, EDEADLK, ENOENT, ENOTCONN, EUNLOCK,
} from '../../../src/dlm/constants.js';
import type { Reply } from '../../../src/dlm/protocol.js';

/** Notes every call; answers 0, or what `errnos` says for the next call of that name. */
class FakeKernel implements LockKernel {
  readonly calls: string[] = [];
  readonly errnos = new Map<string, number[]>();

  requestNull(id: number, resource: string): number { return this.#call('null', id, resource); }
  convertFromNull(id: number, mode: string, wait: boolean): number {
    return this.#call('convert', id, mode, wait ? 'wait' : 'noqueue');
  }
  convert(id: number, mode: string, wait: boolean): number {
    return this.#call('convert', id, mode, wait ? 'wait' : 'noqueue');
  }
  adopt(id: number, resource: string, mode: string): number {
    return this.#call('adopt', id, resource, mode);
  }
  unlock(id: number): number { return this.#call('unlock', id); }
  cancel(id: number): number { return this.#call('cancel', id); }
  drop(id: number): void { this.#call('drop', id); }

  #call(name: string, ...args: readonly (string | number)[]): number {
    this.calls.push([name, ...args].join(' '));
    return this.errnos.get(name)?.shift() ?? 0;
  }
}

function setUp() {
  const kernel = new FakeKernel();
  const replies: Reply[] = [];
  const due: (() => void)[] = [];
  const table = new LockTable({
    kernel,
    reply: (reply) => replies.push(reply),
    later: (_delayMs, run) => due.push(run),
  });
  const complete = (id: number, status: number): void =>
    table.notice({ kind: 'completion', id, status });
  const take = (wait: boolean): void =>
    table.request({ kind: 'take', op: 1, id: 7, resource: 'r', mode: 'EX', wait, persistent: true, flags: 0 });
  const hold = (): void => {
    take(true);
    complete(7, 0);
    complete(7, 0);
    kernel.calls.length = 0;
    replies.length = 0;
  };
  const codes = (): string[] =>
    replies.map((reply) => reply.kind === 'failed' ? `${reply.op} ${reply.failure.code}`
      : 'op' in reply ? `${reply.op} ${reply.kind}` : reply.kind);
  return { kernel, replies, due, table, complete, take, hold, codes };
}

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
  table.notice({ kind: 'blocking', id: 7 });
  table.notice({ kind: 'blocking', id: 8 });
  t.deepEqual(codes(), ['blocking']);
});

test('a completion that fits no lock or no step is a fault', (t) => {
  const { hold, complete } = setUp();
  hold();
  t.throws(() => complete(7, 0), { message: /idle lock 7/ });
  t.throws(() => complete(9, 0), { message: /no lock: 9/ });
});
