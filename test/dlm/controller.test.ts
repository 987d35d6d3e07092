import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Controller, dlmTool, type ToolResult } from '../../src/dlm/controller.js';
import { DlmError } from '../../src/dlm/error.js';
import { KernelFiles } from '../../src/dlm/kernel-files.js';

const RUNNING = `dlm lockspaces
name          ls
id            0x2a3b4c5d
flags         0x00000000 
change        member 2 joined 1 remove 0 failed 0 seq 2,2
members       1 2 
all nodes
nodeid 1 member 1 failed 0 start 1 seq_add 1 seq_rem 0 check none
nodeid 2 member 1 failed 0 start 1 seq_add 2 seq_rem 0 check none
`;

async function setUp(t: ExecutionContext, answers: readonly (string | null)[]) {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-'));
  t.teardown(() => rm(root, { recursive: true }));
  const asked: string[] = [];
  const controller = new Controller({
    kernel: new KernelFiles({ sys: root, proc: root }),
    runTool: (args): Promise<ToolResult> => {
      const text = answers[Math.min(asked.length, answers.length - 1)] ?? null;
      asked.push(args.join(' '));
      return Promise.resolve(text === null
        ? { kind: 'unanswered', reason: 'no answer' }
        : { kind: 'output', text });
    },
  });
  const enterLockspace = async (members: readonly number[]): Promise<void> => {
    await mkdir(join(root, 'kernel/dlm/ls'), { recursive: true });
    await writeFile(join(root, 'kernel/dlm/ls/recover_status'), 'ff\n');
    for (const member of members) {
      const nodes = join(root, 'kernel/config/dlm/cluster/spaces/ls/nodes', String(member));
      await mkdir(nodes, { recursive: true });
    }
  };
  return { controller, asked, enterLockspace };
}

test('a running lockspace is seen from dlm_tool and the kernel together', async (t) => {
  const { controller, enterLockspace } = await setUp(t, [RUNNING]);
  await enterLockspace([2, 1]);
  t.deepEqual(await controller.lockspaceState('ls'), { kind: 'running', members: [1, 2] });
});

test('a lockspace that dlm_controld lists a moment late is not called abandoned', async (t) => {
  const { controller, enterLockspace, asked } = await setUp(t, ['dlm lockspaces\n', RUNNING]);
  await enterLockspace([1, 2]);
  t.is((await controller.lockspaceState('ls')).kind, 'running');
  t.is(asked.length, 2);
});

test('a lockspace that stays unlisted is abandoned after a bounded number of looks', async (t) => {
  const { controller, enterLockspace } = await setUp(t, ['']);
  await enterLockspace([1, 2]);
  t.is((await controller.lockspaceState('ls')).kind, 'abandoned');
});

test('without dlm_controld a lockspace is abandoned or absent', async (t) => {
  const { controller, enterLockspace } = await setUp(t, [null]);
  t.deepEqual(await controller.lockspaceState('ls'), { kind: 'absent' });
  await enterLockspace([1, 2]);
  t.is((await controller.lockspaceState('ls')).kind, 'abandoned');
});

test('many who poll at once cost at most two runs of dlm_tool', async (t) => {
  const { controller, enterLockspace, asked } = await setUp(t, [RUNNING]);
  await enterLockspace([1, 2]);
  await Promise.all(Array.from({ length: 50 }, () => controller.lockspaceState('ls')));
  t.is(asked.length, 2);
});

test('fencing is on unless dlm_controld says that it is off', async (t) => {
  for (const [value, fencing] of [['1', true], ['0', false]] as const) {
    const { controller } = await setUp(t, [`log_debug=1\nenable_fencing=${value}\n`]);
    t.deepEqual(await controller.controllerView(), { fencing });
  }
});

for (const [title, answer] of [['no answer', null], ['an empty answer', '\n']] as const) {
  test(`${title} of dlm_tool dump_config means that dlm_controld is away`, async (t) => {
    const { controller } = await setUp(t, [answer]);
    const error = await t.throwsAsync(controller.controllerView(), { instanceOf: DlmError });
    t.is(error?.code, 'NO_DAEMON');
  });
}

test('a dlm_tool that is missing or fails is unanswered', async (t) => {
  t.is((await dlmTool('/nowhere/dlm_tool')(['ls'])).kind, 'unanswered');
  t.is((await dlmTool('/bin/false')(['ls'])).kind, 'unanswered');
  t.deepEqual(await dlmTool('/bin/echo')(['ls']), { kind: 'output', text: 'ls\n' });
});

const STATUS = `cluster nodeid 2 quorate 1 ring seq 9 9
daemon now 50 fence_pid 0 
node 1 M add 50 rem 0 fail 0 fence 0 at 0 0
node 2 M add 50 rem 0 fail 0 fence 0 at 0 0
`;

test('the view of the cluster is put together from status, lockspaces and settings', async (t) => {
  const { controller, asked } = await setUp(t, [STATUS, RUNNING, 'enable_fencing=0 (dlm.conf)\n']);
  const view = await controller.clusterView();
  t.deepEqual([...asked].sort(), ['dump_config', 'ls -n', 'status']);
  t.is(view.nodeId, 2);
  t.false(view.fencingEnabled);
  t.deepEqual(view.lockspaces.map(({ name, members, waitsFor, stopped }) =>
    [name, members, waitsFor, stopped]), [['ls', [1, 2], null, false]]);
});

test('a daemon that answers only in part gives no view', async (t) => {
  for (const answers of [[STATUS, RUNNING, null], ['', RUNNING, 'enable_fencing=1\n'], [null]]) {
    const { controller } = await setUp(t, answers);
    const error = await t.throwsAsync(controller.clusterView(), { instanceOf: DlmError });
    t.is(error?.code, 'NO_DAEMON');
    t.true(error?.retryable);
  }
});
