import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock, type Clock } from '../../src/clock.js';
import { DlmError } from '../../src/dlm/error.js';
import { KernelFiles } from '../../src/dlm/kernel-files.js';
import { awaitPredecessors } from '../../src/dlm/predecessors.js';

interface Sample {
  readonly name?: string;
  readonly state?: string;
  /** What its descriptors lead to. */
  readonly open?: readonly string[];
  /** Of its parent, which runs the same program unless it is init; a process that ends has none. */
  readonly parent?: 'init' | 'program';
}

/** A /proc of our own; `waited` is called at each pause, and time passes a second at a time. */
async function setUp(t: ExecutionContext, waited: (proc: string) => void = () => undefined) {
  const proc = await mkdtemp(join(tmpdir(), 'holdfast-proc-'));
  t.teardown(() => rm(proc, { recursive: true, force: true }));
  let nowMs = 0;
  const clock: Clock = {
    ...systemClock,
    monotonic: () => nowMs,
    setTimer: (_delayMs, run) => {
      nowMs += 1_000;
      waited(proc);
      return systemClock.setTimer(0, run);
    },
  };
  const add = async (pid: number, sample: Sample): Promise<void> => {
    const { name = 'holdfast-dlm', state = 'S', open = ['/dev/misc/dlm_ls'] } = sample;
    const parent = sample.parent === 'program' ? 9 : 1;
    const folder = join(proc, String(pid));
    await mkdir(join(folder, 'fd'), { recursive: true });
    await mkdir(join(folder, 'task', String(pid)), { recursive: true });
    await writeFile(join(folder, 'comm'), `${name}\n`);
    for (const path of ['stat', `task/${pid}/stat`]) {
      await writeFile(join(folder, path), `${pid} (${name}) ${state} ${parent} 1 1`);
    }
    if (state === 'S') await symlink(pid === 1 ? '/sbin/init' : '/bin/node', join(folder, 'exe'));
    await Promise.all(open.map((path, fd) => symlink(path, join(folder, 'fd', String(fd)))));
  };
  const wait = (): Promise<void> => awaitPredecessors({
    kernel: new KernelFiles({ sys: proc, proc }), clock, lockspace: 'ls', childPid: 3,
  });
  return { add, wait, elapsedMs: () => nowMs };
}

const NONE: readonly (readonly [string, Sample])[] = [
  ['another program that has the lockspace open', { name: 'dlm_tool' }],
  ['a child of another lockspace', { open: ['/dev/misc/dlm_lsx'] }],
  ['a child that has ended and was not collected', { state: 'Z', open: [] }],
  ['a child without locks, of another program that runs', { parent: 'program' }],
];
for (const [title, sample] of NONE) {
  test(`${title} is not waited for`, async (t) => {
    const { add, wait, elapsedMs } = await setUp(t);
    await add(1, { name: 'init', open: [] });
    await add(3, {});
    await add(9, { name: 'program', open: [] });
    await add(2, sample);
    await wait();
    t.is(elapsedMs(), 0);
  });
}

const SOME: readonly (readonly [string, Sample])[] = [
  ['has the lockspace open, without locks and without a daemon', {}],
  ['was killed and cannot get out of the kernel, its files gone from /proc', { state: 'D', open: [] }],
];
for (const [title, sample] of SOME) {
  test(`an earlier child is waited for while it ${title}`, async (t) => {
    const gone: Promise<void>[] = [];
    const { add, wait, elapsedMs } = await setUp(t, (proc) => {
      if (elapsedMs() === 3_000) gone.push(rm(join(proc, '2'), { recursive: true }));
    });
    await add(1, { name: 'init', open: [] });
    await add(2, sample);
    await wait();
    t.true(elapsedMs() >= 3_000);
    await Promise.all(gone);
  });
}

test('an earlier child that stays is waited for only so long, and then named', async (t) => {
  const { add, wait } = await setUp(t);
  await add(2, {});
  const error = await t.throwsAsync(wait(), { instanceOf: DlmError });
  t.is(error?.code, 'LOCKSPACE_BUSY');
  t.true(error?.retryable);
  t.regex(error?.message ?? '', /pid 2/);
});
