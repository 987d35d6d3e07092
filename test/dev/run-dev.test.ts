import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CLI, DAEMON, Program } from '../support/program.js';

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-dev-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('the scene plays its five steps and leaves with 0 and nothing behind', async (t) => {
  const folder = await temporary(t);
  const env = { TMPDIR: folder };
  const dev = await Program.run(t, DAEMON, ['--dev', '--scene', '--once'], { env });
  t.is(dev.exitCode, 0, dev.stderr);
  const steps = dev.stdout.split('\n').filter((line) => /^\d\. /.test(line));
  t.deepEqual(steps.map((line) => line.slice(0, 2)), ['1.', '2.', '3.', '4.', '5.']);
  t.regex(dev.stdout, /vm-alpha holds it EX on n1 since/);
  t.regex(dev.stdout, /the daemon on n1 is down, but its lock holds/);
  t.regex(dev.stdout, /n2 holds 'vm-disk-1' now/);
  t.is(dev.stderr, '');
  t.deepEqual(await readdir(folder), []);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a development cluster stays up until ${signal}, and the command line works on it`, async (t) => {
    const folder = await temporary(t);
    const dev = Program.start(t, DAEMON, ['--dev'], { env: { TMPDIR: folder } });
    await dev.untilSaid(/Ctrl-C ends it/);
    t.regex(dev.stdout, /export HOLDFAST_SOCKET=.*n1\.sock/);
    const [made = ''] = await readdir(folder);
    const cli = (node: number, ...args: string[]) =>
      Program.run(t, CLI, ['--socket', join(folder, made, `n${node}.sock`), ...args]);

    t.is((await cli(1, 'acquire', 'disk', '--owner', 'me')).exitCode, 0);
    const refused = await cli(2, 'acquire', 'disk', '--owner', 'you');
    t.is(refused.exitCode, 1);
    t.regex(refused.stderr, /me holds it EX on n1 since/);
    const ran = await cli(3, 'run', 'job', '--', 'sh', '-c', 'echo done; exit 7');
    t.is(ran.exitCode, 7, ran.stderr);
    t.is(ran.stdout, 'done\n');
    const nodes = await cli(3, 'nodes', '--json');
    t.is(nodes.stdout.match(/"synced"/g)?.length, 3);

    dev.child.kill(signal);
    t.is(await dev.ended(), 0);
    t.deepEqual(await readdir(folder), []);
  });
}

test('a signal while the nodes still start ends it and leaves nothing', async (t) => {
  const folder = await temporary(t);
  const dev = Program.start(t, DAEMON, ['--dev', '--nodes', '16'], { env: { TMPDIR: folder } });
  await dev.untilSaid(/n1: /);
  dev.child.kill('SIGINT');
  t.is(await dev.ended(), 0);
  t.deepEqual(await readdir(folder), []);
});

test('one node alone is a cluster too', async (t) => {
  const folder = await temporary(t);
  const dev = Program.start(t, DAEMON, ['--dev', '--nodes', '1'], { env: { TMPDIR: folder } });
  await dev.untilSaid(/Ctrl-C ends it/);
  t.notRegex(dev.stdout, /undefined|n2\.sock/);
  dev.child.kill('SIGINT');
  t.is(await dev.ended(), 0);
});
