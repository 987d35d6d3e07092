import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { DlmError } from '../../src/dlm/error.js';
import { openLockManager } from '../../src/dlm/lock-manager.js';

const FAKE_CHILD = fileURLToPath(new URL('./fake-child.js', import.meta.url));

async function setUp(t: ExecutionContext) {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const manager = openLockManager({
    log: (message) => t.log(message),
    childCommand: [process.execPath, FAKE_CHILD],
    kernelRoots: { sys: root, proc: root },
    runTool: () => Promise.resolve({ kind: 'unanswered', reason: 'not in this test' }),
  });
  t.teardown(async () => {
    await manager.close();
    await rm(root, { recursive: true });
  });
  const lockspace = await manager.openLockspace('ls');
  const openBy = async (pid: number, target: string, comm = 'other'): Promise<void> => {
    await mkdir(join(root, String(pid), 'fd'), { recursive: true });
    await writeFile(join(root, String(pid), 'comm'), `${comm}\n`);
    await symlink(target, join(root, String(pid), 'fd', '4'));
  };
  const end = (pid: number): Promise<void> => rm(join(root, String(pid)), { recursive: true });
  return { manager, lockspace, openBy, end };
}

for (const force of [false, true]) {
  const how = force ? 'a forced release' : 'a release';
  test(`${how} is refused while another program has the lockspace open`, async (t) => {
    const { lockspace, openBy, end } = await setUp(t);
    await openBy(77, '/dev/misc/dlm_ls', 'clvmd');
    const error = await t.throwsAsync(lockspace.release({ force }), { instanceOf: DlmError });
    t.is(error?.code, 'LOCKSPACE_BUSY');
    t.true(error?.retryable);
    t.regex(error?.message ?? '', /clvmd \(pid 77\)/);
    await lockspace.take({ resource: 'ok', mode: 'EX', wait: false }).granted;
    await end(77);
    await lockspace.release({ force: true });
    await t.throwsAsync(lockspace.versions(), { instanceOf: DlmError, code: 'CLOSED' });
  });
}

test('programs with another lockspace open are no hindrance to a release', async (t) => {
  const { lockspace, openBy } = await setUp(t);
  await openBy(77, '/dev/misc/dlm_ls2');
  await openBy(78, '/tmp/dlm_lsx');
  await t.notThrowsAsync(lockspace.release());
});

test('nobody is told that a lock blocks once the lockspace was closed', async (t) => {
  const { lockspace } = await setUp(t);
  let told = 0;
  const closed = new Promise<void>((resolve, reject) => {
    lockspace.on('blocking', () => {
      told += 1;
      lockspace.close().then(resolve, reject);
    });
  });
  // Closing may also reject it: that is told first, and is not what this is about.
  await lockspace.take({ resource: 'thrice', mode: 'EX', wait: false }).granted;
  await closed;
  t.is(told, 1);
});
