import test, { type ExecutionContext } from 'ava';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Owner } from '../../src/coordinator/core/owner.js';
import { CoordinatorError } from '../../src/coordinator/error.js';
import { readProcessStat } from '../../src/cli/process-stat.js';
import { aLock, waitForAbort } from '../control/fake-service.js';
import { serve as serveFake, temporaryDirectory, until } from '../control/fixture.js';
import { isAlive, spawnCli } from './fixture.js';

function pidOf(owner: Owner | undefined): number {
  if (owner?.kind !== 'process') {
    throw new Error('the owner is no process');
  }
  return owner.pid;
}

/** As the fixture's; and commands that a failed test leaves running are ended by their pid. */
async function serve(t: ExecutionContext) {
  const served = await serveFake(t);
  t.teardown(async () => {
    for (const { owner } of served.service.acquires) {
      await endProcess(owner);
    }
  });
  return served;
}

async function endProcess(owner: Owner): Promise<void> {
  const pid = pidOf(owner);
  const stat = isAlive(pid) ? await readProcessStat(pid) : null;
  if (owner.kind === 'process' && stat?.startTime === owner.startTime) {
    process.kill(pid, 'SIGKILL');
  }
}

test.serial('the command runs under the lock as its owner, and its status is passed on', async (t) => {
  const { service, socketPath } = await serve(t);
  const { closed, output } = spawnCli(t, socketPath, 'run', 'vm-17', '--shared', '--wait', '5', '--',
    'sh', '-c', 'echo "$$ $HOLDFAST_RESOURCE $HOLDFAST_GENERATION $1"; exit 9', 'sh', '--json');
  t.is((await closed).code, 9);
  const [request] = service.acquires;
  t.like(request, { resource: 'vm-17', mode: 'PR', waitMs: 5000 });
  const pid = pidOf(request?.owner);
  t.is(output(), `${pid} vm-17 1790000000017 --json\n`);
  t.deepEqual(service.releases.map(({ resource, owner }) => ({ resource, owner })),
    [{ resource: 'vm-17', owner: request?.owner }]);
});

test.serial('a lock without a generation leaves none in the environment', async (t) => {
  const { service, socketPath } = await serve(t);
  service.onAcquire = ({ owner }) => {
    const lock = aLock({ owner, generation: null });
    return Promise.resolve({ lock, acquired: true, convertedFrom: null });
  };
  const inner = spawnCli(t, socketPath, 'run', 'vm-17', '--shared', '--',
    'sh', '-c', 'echo "${HOLDFAST_GENERATION-unset}"');
  t.is((await inner.closed).code, 0);
  t.is(inner.output(), 'unset\n');
});

test.serial('the owner carries the start time of the process that the command becomes', async (t) => {
  const { service, socketPath } = await serve(t);
  const { child, closed } = spawnCli(t, socketPath, 'run', 'vm-17', 'sleep', '60');
  await until(() => service.acquires.length === 1);
  const owner = service.acquires[0]?.owner;
  const pid = pidOf(owner);
  const commandOf = () => readFile(`/proc/${pid}/cmdline`, 'utf8');
  for (let tries = 0; !(await commandOf()).startsWith('sleep') && tries < 500; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.is(await commandOf(), 'sleep\u000060\u0000');
  t.deepEqual(owner, { kind: 'process', pid, startTime: (await readProcessStat(pid)).startTime });
  child.kill('SIGTERM');
  t.deepEqual(await closed, { code: 128 + 15, signal: null });
  t.false(isAlive(pid));
});

test.serial('the lock is asked for before the command runs', async (t) => {
  const { service, socketPath } = await serve(t);
  const mark = join(await temporaryDirectory(t), 'mark');
  let ranBeforeGrant = true;
  service.onAcquire = async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    ranBeforeGrant = existsSync(mark);
    return { lock: aLock({ owner: request.owner }), acquired: true, convertedFrom: null };
  };
  const { closed } = spawnCli(t, socketPath, 'run', 'r', 'touch', mark);
  t.is((await closed).code, 0);
  t.false(ranBeforeGrant);
  t.true(existsSync(mark));
});

for (const [code, argv, exitCode] of [
  ['HELD', [], 1],
  ['TIMEOUT', [], 4],
  ['NO_QUORUM', [], 5],
  ['HELD', ['--conflict-exit-code', '75'], 75],
  ['TIMEOUT', ['--conflict-exit-code', '0'], 0],
  ['NO_QUORUM', ['--conflict-exit-code', '75'], 5],
] as const) {
  test.serial(`a refused command never starts: ${code} ${argv.join(' ')}`, async (t) => {
    const { service, socketPath } = await serve(t);
    const mark = join(await temporaryDirectory(t), 'mark');
    service.onAcquire = () => Promise.reject(new CoordinatorError(code, `said ${code}`));
    const { closed, output } = spawnCli(t, socketPath, 'run', 'r', ...argv, 'touch', mark);
    t.is((await closed).code, exitCode);
    t.regex(output(), new RegExp(`holdfast: said ${code}`));
    t.false(existsSync(mark));
    t.is(service.releases.length, 0);
    t.false(isAlive(pidOf(service.acquires[0]?.owner)));
  });
}

test.serial('without a daemon the command never starts', async (t) => {
  const mark = join(await temporaryDirectory(t), 'mark');
  const { closed } = spawnCli(t, '/nonexistent/s', 'run', 'r', 'touch', mark);
  t.is((await closed).code, 3);
  t.false(existsSync(mark));
});

for (const [what, command, exitCode] of [
  ['not found', '/nonexistent/command', 127],
  ['not executable', '/etc/passwd', 126],
] as const) {
  test.serial(`a command that is ${what} gives ${exitCode}, and the lock is given back`, async (t) => {
    const { service, socketPath } = await serve(t);
    const { closed } = spawnCli(t, socketPath, 'run', 'r', command);
    t.is((await closed).code, exitCode);
    t.is(service.releases.length, 1);
  });
}

test.serial('killed with SIGKILL while the command runs, the command goes on and nothing is released', async (t) => {
  const { service, socketPath } = await serve(t);
  const mark = join(await temporaryDirectory(t), 'mark');
  const { child } = spawnCli(t, socketPath, 'run', 'r', 'sh', '-c', 'echo up; exec sleep 60 >"$0" 2>&1', mark);
  await until(() => existsSync(mark));
  const pid = pidOf(service.acquires[0]?.owner);
  child.kill('SIGKILL');
  await until(() => child.signalCode === 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.true(isAlive(pid));
  t.is(service.releases.length, 0);
});

test.serial('killed with SIGKILL before the grant, the command never starts and the wait is cancelled', async (t) => {
  const { service, socketPath } = await serve(t);
  const mark = join(await temporaryDirectory(t), 'mark');
  service.onAcquire = waitForAbort;
  const { child } = spawnCli(t, socketPath, 'run', 'r', '--wait', '--', 'touch', mark);
  await until(() => service.acquires.length === 1);
  const pid = pidOf(service.acquires[0]?.owner);
  t.true(isAlive(pid));
  child.kill('SIGKILL');
  await until(() => service.acquires[0]?.signal.aborted === true);
  await until(() => !isAlive(pid));
  t.false(existsSync(mark));
});

test.serial('a signal while waiting cancels, starts nothing, and shows in the status', async (t) => {
  const { service, socketPath } = await serve(t);
  const mark = join(await temporaryDirectory(t), 'mark');
  service.onAcquire = waitForAbort;
  const { child, closed, output } = spawnCli(t, socketPath, 'run', 'r', '--wait', '--', 'touch', mark);
  await until(() => service.acquires.length === 1);
  child.kill('SIGINT');
  t.is((await closed).code, 130);
  t.regex(output(), /Interrupted \(SIGINT\)/);
  await until(() => service.acquires[0]?.signal.aborted === true);
  t.false(existsSync(mark));
});

test.serial('signals are for the command, which may answer them in its own way', async (t) => {
  const { socketPath } = await serve(t);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const { child, closed, output } = spawnCli(t, socketPath, 'run', 'r', 'sh', '-c',
      'trap "echo got; exit 42" INT TERM HUP; echo up; while :; do sleep 0.05; done');
    await until(() => output().includes('up'));
    child.kill(signal);
    t.is((await closed).code, 42);
    t.regex(output(), /got/);
  }
});

test.serial('a command that kills itself gives 128 plus the signal', async (t) => {
  const { socketPath } = await serve(t);
  const { closed } = spawnCli(t, socketPath, 'run', 'r', 'sh', '-c', 'kill -9 $$');
  t.is((await closed).code, 137);
});

test.serial('a release that is not confirmed is told, and the status stays the command’s own', async (t) => {
  const { service, socketPath } = await serve(t);
  service.onRelease = () => Promise.reject(new CoordinatorError('LOCK_MANAGER', 'It broke.'));
  const { closed, output } = spawnCli(t, socketPath, 'run', 'r', 'sh', '-c', 'exit 5');
  t.is((await closed).code, 5);
  t.regex(output(), /release of r is not confirmed: It broke\./);
});
