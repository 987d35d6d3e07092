import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { systemClock, type Clock } from '../../src/clock.js';
import { DlmError } from '../../src/dlm/error.js';
import { openLockManager } from '../../src/dlm/lock-manager.js';
import { STALL_MS } from '../../src/dlm/lockspace-watch.js';
import type { LockId, StalledOperation } from '../../src/dlm/port.js';

const FAKE_CHILD = fileURLToPath(new URL('./fake-child.js', import.meta.url));

/** Real time, so many times as fast. */
function fastClock(factor: number): Clock {
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic() * factor,
    setTimer: (delayMs, run) => systemClock.setTimer(delayMs / factor, run),
  };
}

async function setUp(t: ExecutionContext, { clock = systemClock, args = [] as string[] } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const logs: string[] = [];
  const manager = openLockManager({
    log: (message) => logs.push(message),
    clock,
    childCommand: [process.execPath, FAKE_CHILD, ...args],
    kernelRoots: { sys: root, proc: root },
    runTool: () => Promise.resolve({ kind: 'unanswered', reason: 'not in this test' }),
  });
  t.teardown(async () => {
    await manager.close();
    await rm(root, { recursive: true });
  });
  return { manager, logs };
}

async function codeOf(t: ExecutionContext, promise: Promise<unknown>): Promise<string> {
  const error = await t.throwsAsync(promise, { instanceOf: DlmError });
  return error?.code ?? 'none';
}

test('a take is granted, refused, or waits until it is cancelled', async (t) => {
  const { manager } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  await lockspace.take({ resource: 'ok', mode: 'EX', wait: false }).granted;
  const refused = lockspace.take({ resource: 'refuse', mode: 'EX', wait: false });
  t.is(await codeOf(t, refused.granted), 'WOULD_BLOCK');
  const waiting = lockspace.take({ resource: 'wait', mode: 'PR', wait: true });
  const settled = codeOf(t, waiting.granted);
  await lockspace.cancel(waiting.id);
  t.is(await settled, 'CANCELED');
});

test('an unlocked or unknown id is an unknown lock', async (t) => {
  const { manager } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  const { id, granted } = lockspace.take({ resource: 'ok', mode: 'EX', wait: false });
  await granted;
  await lockspace.unlock(id);
  t.is(await codeOf(t, lockspace.unlock(id)), 'UNKNOWN_LOCK');
  t.is(await codeOf(t, lockspace.convert(id, { mode: 'PR', wait: true })), 'UNKNOWN_LOCK');
  t.is(await codeOf(t, lockspace.cancel(99 as LockId)), 'UNKNOWN_LOCK');
  await t.notThrowsAsync(lockspace.cancel(id), 'what was decided needs no cancel');
});

test('names and modes that the kernel cannot take are refused before it is asked', async (t) => {
  const { manager } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  for (const resource of ['', 'x'.repeat(65), 'ü'.repeat(33), 'lone \ud800']) {
    const take = lockspace.take({ resource, mode: 'EX', wait: false });
    t.is(await codeOf(t, take.granted), 'BAD_REQUEST');
  }
  const mode = 'XX' as 'EX';
  t.is(await codeOf(t, lockspace.adopt({ resource: 'ok', mode })), 'BAD_REQUEST');
  for (const name of ['', '..', 'a/b', 'x'.repeat(65), 'a\nb']) {
    t.is(await codeOf(t, manager.openLockspace(name)), 'BAD_REQUEST');
  }
});

test('a child that dies takes all ids with it and is told once as lost', async (t) => {
  const { manager } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  const lost: string[] = [];
  lockspace.on('lost', (cause) => lost.push(cause.code));
  const held = lockspace.take({ resource: 'ok', mode: 'EX', wait: false });
  await held.granted;
  const waiting = lockspace.take({ resource: 'wait', mode: 'EX', wait: true });
  const dying = lockspace.take({ resource: 'die', mode: 'EX', wait: true });
  t.deepEqual(
    await Promise.all([codeOf(t, waiting.granted), codeOf(t, dying.granted)]),
    ['CHILD_LOST', 'CHILD_LOST'],
  );
  t.is(await codeOf(t, lockspace.unlock(held.id)), 'CHILD_LOST');
  t.deepEqual(lost, ['CHILD_LOST']);
  await t.notThrowsAsync(manager.openLockspace('ls'), 'it can be opened again');
});

test('a child whose frames are broken is killed and lost', async (t) => {
  const { manager } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  const take = lockspace.take({ resource: 'garbage', mode: 'EX', wait: true });
  t.is(await codeOf(t, take.granted), 'CHILD_LOST');
});

test('a child that dies in the middle of a frame is lost, and half an answer is none', async (t) => {
  const { manager } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  const take = lockspace.take({ resource: 'torn', mode: 'EX', wait: true });
  t.is(await codeOf(t, take.granted), 'CHILD_LOST');
});

// Serial: the stalls of other tests are counted in fractions of a second.
test.serial('requests to a child that does not read wait, and all are answered in the end', async (t) => {
  const { manager } = await setUp(t, { args: ['slow'] });
  const lockspace = await manager.openLockspace('ls');
  const resource = `ok${'x'.repeat(62)}`;
  const takes = Array.from({ length: 4_000 }, () =>
    lockspace.take({ resource, mode: 'EX', wait: false }));
  await Promise.all(takes.map(({ granted }) => granted));
  await Promise.all(takes.map(({ id }) => lockspace.unlock(id)));
  t.is(await codeOf(t, lockspace.unlock(takes[0]?.id ?? 0 as LockId)), 'UNKNOWN_LOCK');
});

test('a child that cannot be started is an error, not a crash', async (t) => {
  const manager = openLockManager({ log: () => undefined, childCommand: ['/nowhere/child'] });
  t.is(await codeOf(t, manager.openLockspace('ls')), 'CHILD_LOST');
});

test('an open that fails says why, and the name can be tried again', async (t) => {
  const { manager } = await setUp(t);
  t.is(await codeOf(t, manager.openLockspace('nokernel')), 'NO_KERNEL');
  t.is(await codeOf(t, manager.openLockspace('nokernel')), 'NO_KERNEL');
});

test('a lockspace is opened once at a time, and again after its close', async (t) => {
  const { manager } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  t.is(await codeOf(t, manager.openLockspace('ls')), 'BAD_REQUEST');
  const waiting = codeOf(t, lockspace.take({ resource: 'wait', mode: 'EX', wait: true }).granted);
  await lockspace.close();
  await lockspace.close();
  t.is(await waiting, 'CLOSED');
  t.is(await codeOf(t, lockspace.adopt({ resource: 'ok', mode: 'EX' })), 'CLOSED');
  await t.notThrowsAsync(manager.openLockspace('ls'));
});

test('blocking notices and the child\'s own words reach the listeners', async (t) => {
  const { manager, logs } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  const blocking = new Promise((resolve) => lockspace.once('blocking', (id) => resolve(id)));
  const { id, granted } = lockspace.take({ resource: 'log', mode: 'EX', wait: false });
  await granted;
  t.is(await blocking, id);
  await lockspace.close();
  t.true(logs.some((line) => line.includes('something to know')), logs.join('\n'));
});

test('an operation that does not come back is stalled, one that waits in the queue is not', async (t) => {
  const { manager } = await setUp(t, { clock: fastClock(20) });
  const lockspace = await manager.openLockspace('ls');
  const waiting = lockspace.take({ resource: 'wait', mode: 'EX', wait: true });
  const hanging = lockspace.take({ resource: 'hang', mode: 'EX', wait: true });
  const settled = Promise.allSettled([waiting.granted, hanging.granted]);
  const stalled = await new Promise<readonly StalledOperation[]>((resolve) =>
    lockspace.once('stalled', resolve));
  t.deepEqual(stalled.map(({ operation, resource }) => ({ operation, resource })),
    [{ operation: 'take', resource: 'hang' }]);
  t.true((stalled[0]?.forMs ?? 0) >= STALL_MS);
  await lockspace.close();
  await settled;
});

test('a child whose loop does not turn is stalled though nothing is asked of it', async (t) => {
  const { manager } = await setUp(t, { clock: fastClock(20), args: ['deaf'] });
  const lockspace = await manager.openLockspace('ls');
  const stalled = await new Promise<readonly StalledOperation[]>((resolve) =>
    lockspace.once('stalled', resolve));
  t.deepEqual(stalled.map(({ operation }) => operation), ['heartbeat']);
});

test('a listener that throws costs no other listener its event, nor the lockspace a frame', async (t) => {
  const { manager } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  const heard: LockId[] = [];
  const uncaught: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (thrown) => uncaught.push(thrown));
  t.teardown(() => {
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  lockspace.on('blocking', () => {
    throw new Error('the listener\'s own bug');
  });
  const told = new Promise<void>((resolve) => lockspace.on('blocking', (id) => {
    heard.push(id);
    resolve();
  }));
  const { id, granted } = lockspace.take({ resource: 'ok', mode: 'EX', wait: false });
  await granted;
  await told;
  t.deepEqual(heard, [id]);
  await lockspace.unlock(id);
  t.is(uncaught.length, 1, 'the bug is not hidden either');
});

test('calls of the wrong kind and to a closed manager are errors of ours', async (t) => {
  const { manager } = await setUp(t);
  const lockspace = await manager.openLockspace('ls');
  const { id, granted } = lockspace.take({ resource: 'ok', mode: 'EX', wait: false });
  await granted;
  const nothing = null as never;
  t.is(await codeOf(t, lockspace.take(nothing).granted), 'BAD_REQUEST');
  t.is(await codeOf(t, lockspace.convert(id, nothing)), 'BAD_REQUEST');
  t.is(await codeOf(t, lockspace.unlock(id, nothing)), 'BAD_REQUEST');
  t.is(await codeOf(t, lockspace.adopt(nothing)), 'BAD_REQUEST');
  t.is(await codeOf(t, lockspace.purge(nothing)), 'BAD_REQUEST');
  t.is(await codeOf(t, lockspace.release(nothing)), 'BAD_REQUEST');
  t.is(await codeOf(t, manager.openLockspace('other', nothing)), 'BAD_REQUEST');
  t.is(await codeOf(t, manager.lockspaceState(nothing)), 'BAD_REQUEST');
  t.is(await codeOf(t, lockspace.unlock('x' as never)), 'UNKNOWN_LOCK');
  t.is(await codeOf(t, lockspace.resources()), 'KERNEL', 'this machine shows no such file');
  t.is(await codeOf(t, lockspace.replyWaits()), 'KERNEL');
  t.is(await codeOf(t, manager.clusterView()), 'NO_DAEMON');
  await lockspace.unlock(id);
  await manager.close();
  await manager.close();
  t.is(await codeOf(t, manager.openLockspace('ls')), 'CLOSED');
  t.is(await codeOf(t, lockspace.versions()), 'CLOSED');
  t.is(await codeOf(t, lockspace.release()), 'CLOSED');
});
