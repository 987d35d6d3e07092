import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { BoardEntry } from '../../src/dlm/call-board.js';
import { DlmError } from '../../src/dlm/error.js';
import { KernelFiles } from '../../src/dlm/kernel-files.js';
import { Outstanding } from '../../src/dlm/outstanding.js';

const STAY = { forMs: 700, processState: 'D', waitsIn: 'dlm_lock' };

function setUp() {
  const clock = { ms: 0 };
  const outstanding = new Outstanding(() => clock.ms);
  const add = (op: number, operation: string, id: number): void => {
    outstanding.add(op, operation, `r${id}`, id, () => undefined);
    clock.ms += 10;
  };
  const stalled = (entry: Partial<BoardEntry> | null): readonly string[] => {
    const stay = entry === null ? null
      : { entry: { sequence: 1, call: 'request', id: 1, ...entry }, stay: STAY };
    return outstanding.stalled(100, stay).map(({ operation, resource, inKernel }) =>
      `${operation} ${resource}${inKernel === null ? '' : ` in ${inKernel.waitsIn}`}`);
  };
  return { clock, outstanding, add, stalled };
}

test('the operation whose call the child is in is told apart from those that wait behind', (t) => {
  const { clock, add, stalled } = setUp();
  add(1, 'unlock', 7);
  add(2, 'take', 8);
  add(3, 'heartbeat', 0);
  clock.ms += 200;
  t.deepEqual(stalled({ call: 'convert', id: 8 }),
    ['unlock r7', 'take r8 in dlm_lock', 'heartbeat r0']);
  t.deepEqual(stalled({ call: 'unlock', id: 7 }),
    ['unlock r7 in dlm_lock', 'take r8', 'heartbeat r0']);
  t.deepEqual(stalled(null), ['unlock r7', 'take r8', 'heartbeat r0']);
});

test('a call that fits no stalled operation is told with none', (t) => {
  const { clock, add, stalled } = setUp();
  add(1, 'take', 7);
  clock.ms += 200;
  t.deepEqual(stalled({ call: 'adopt', id: 7 }), ['take r7']);
  t.deepEqual(stalled({ call: 'request', id: 9 }), ['take r7']);
});

test('only what is out and stands in no queue makes the kernel worth a look', (t) => {
  const { outstanding, add } = setUp();
  t.false(outstanding.hasUnqueued);
  add(1, 'take', 7);
  t.true(outstanding.hasUnqueued);
  outstanding.queue(1);
  t.false(outstanding.hasUnqueued);
  outstanding.unqueue(1);
  t.true(outstanding.hasUnqueued);
  outstanding.rejectAll(new DlmError('CLOSED', 'close', 'closed'));
  t.false(outstanding.hasUnqueued);
});

async function procOf(t: ExecutionContext, files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-'));
  t.teardown(() => rm(root, { recursive: true }));
  await mkdir(join(root, '42'));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(root, '42', name), text);
  }
  return new KernelFiles({ sys: root, proc: root });
}

test('state and place of a process are read from proc, whatever its name is', async (t) => {
  const kernel = await procOf(t, { stat: '42 (a) S b) D 1 42 42 0', wchan: 'dlm_user_request' });
  t.is(await kernel.processState(42), 'D');
  t.is(await kernel.waitChannel(42), 'dlm_user_request');
});

test('a process that is gone has no state, one that runs waits nowhere', async (t) => {
  const kernel = await procOf(t, { stat: '42 (a) R 1', wchan: '0' });
  t.is(await kernel.processState(43), null);
  t.is(await kernel.waitChannel(43), null);
  t.is(await kernel.processState(42), 'R');
  t.is(await kernel.waitChannel(42), null);
});
