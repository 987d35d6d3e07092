import test from 'ava';
import { createServer } from 'node:http';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CoordinatorError, type CoordinatorErrorCode } from '../../src/coordinator/error.js';
import { runCli } from '../../src/cli/run-cli.js';
import { aLock, aNode, aStatus } from '../control/fake-service.js';
import { serve, temporaryDirectory, until } from '../control/fixture.js';
import { cli, collect } from './fixture.js';

test('status says what the node is and what the operator should know', async (t) => {
  const { service, socketPath } = await serve(t);
  service.statusView = aStatus({
    standing: { kind: 'recovering', waitingFor: 'fencing of n2' },
    fencingHints: [{
      at: '2030-01-01T00:00:00.000Z', node: 'n2', nodeId: 2, operation: 'reboot', succeeded: true,
      controller: 'needed',
    }],
    warnings: ['Fencing is off.\u001b[2J'],
    counters: { staleMessages: 2 },
  });
  const { exitCode, stdout, stderr } = await cli(socketPath, 'status');
  t.is(exitCode, 0);
  t.is(stderr, '');
  t.is(stdout, [
    'node           n1 (id 1)',
    'standing       recovering: waits for fencing of n2',
    'quorum         yes; nodes 1, 2, 3',
    'locks          1 held, 0 waiting, 0 other',
    'lockspace      holdfast',
    'group          holdfast',
    'version        0.1.0',
    'incarnation    00112233445566778899aabbccddeeff',
    'boot           6a1c2f5e-0000-4000-8000-000000000001',
    'staleMessages  2',
    'heard: 2030-01-01T00:00:00.000Z reboot of n2 succeeded; fencing in dlm_controld then: needed',
    'warning: Fencing is off.\\x1b[2J',
    '',
  ].join('\n'));
});

test('explain prints the verdict and its sentences, and --json the whole', async (t) => {
  const { socketPath, service } = await serve(t);
  const { exitCode, stdout } = await cli(socketPath, 'explain', 'vm 1');
  t.is(exitCode, 0);
  t.is(stdout, [
    'vm 1: held', 'qemu-17 holds it in EX on n1 since 2030-01-01T00:00:00.000Z.', 'It is kept.', '',
  ].join('\n'));
  const { stdout: json } = await cli(socketPath, 'explain', 'vm 1', '--json');
  t.deepEqual(JSON.parse(json), { ...service.explanation, resource: 'vm 1' });
});

test('nodes says what each state means for the locks', async (t) => {
  const { service, socketPath } = await serve(t);
  service.nodeViews = [aNode({ self: true }), aNode({ id: 2, name: 'n2', state: 'node-down', locks: 3 })];
  const { exitCode, stdout } = await cli(socketPath, 'nodes');
  t.is(exitCode, 0);
  t.is(stdout, [
    'ID  NODE       STATE      LOCKS  SINCE                                 MEANING',
    '1   n1 (here)  synced     1      3 minutes ago (2026-01-02 03:04:05Z)  runs',
    '2   n2         node-down  3      3 minutes ago (2026-01-02 03:04:05Z)  cut off or dead; its locks hold until it is fenced',
    '',
  ].join('\n'));
});

test('locks says who holds what where, and can be narrowed', async (t) => {
  const { service, socketPath } = await serve(t);
  service.lockViews = [
    aLock(),
    aLock({
      resource: 'disk', mode: 'PR', owner: { kind: 'process', pid: 4711, startTime: 1 },
      node: { id: 2, name: 'n2' }, nodeState: 'daemon-down',
      generation: null,
    }),
  ];
  const all = await cli(socketPath, 'locks');
  t.is(all.stdout, [
    'RESOURCE  MODE  STATE  OWNER         NODE                                           SINCE                                 GENERATION',
    'vm-17     EX    held   qemu-17       n1                                             3 minutes ago (2026-01-02 03:04:05Z)  1790000000017',
    'disk      PR    held   process 4711  n2 (its daemon is gone; its locks still hold)  3 minutes ago (2026-01-02 03:04:05Z)  -',
    '',
  ].join('\n'));
  const resourcesOf = async (...argv: string[]) => {
    const { stdout } = await cli(socketPath, 'locks', '--json', ...argv);
    return (JSON.parse(stdout) as { locks: { resource: string }[] }).locks.map((l) => l.resource);
  };
  t.deepEqual(await resourcesOf(), ['vm-17', 'disk']);
  t.deepEqual(await resourcesOf('disk'), ['disk']);
  t.deepEqual(await resourcesOf('--node', 'n1'), ['vm-17']);
  t.deepEqual(await resourcesOf('--node', '2'), ['disk']);
  t.deepEqual(await resourcesOf('disk', '--node', 'n1'), []);
  t.regex((await cli(socketPath, 'locks', 'nope')).stdout, /^No such lock.*2 others/);
});

test('--json gives exactly what the API gives, before and behind the command', async (t) => {
  const { service, socketPath, client } = await serve(t);
  for (const argv of [['--json', 'nodes'], ['nodes', '--json']]) {
    t.deepEqual(JSON.parse((await cli(socketPath, ...argv)).stdout), { nodes: service.nodeViews });
  }
  t.deepEqual(JSON.parse((await cli(socketPath, 'status', '--json')).stdout), await client.status());
});

test('acquire passes on mode, owner and wait', async (t) => {
  const { service, socketPath } = await serve(t);
  const plain = await cli(socketPath, 'acquire', 'vm-1', '--owner', 'o');
  t.is(plain.exitCode, 0);
  t.is(plain.stdout, 'vm-1: acquired in mode EX for o on n1, generation 1790000000017\n');
  await cli(socketPath, 'acquire', 'vm-1', '--owner', 'o', '--shared', '--wait');
  await cli(socketPath, 'acquire', 'vm-1', '--owner', 'o', '--mode', 'CW', '--wait', '1.5');
  await cli(socketPath, 'acquire', 'vm-1', '--owner-pid', String(process.pid));
  t.deepEqual(
    service.acquires.map(({ mode, waitMs }) => ({ mode, waitMs })),
    [
      { mode: 'EX', waitMs: 0 }, { mode: 'PR', waitMs: null }, { mode: 'CW', waitMs: 1500 },
      { mode: 'EX', waitMs: 0 },
    ],
  );
  t.like(service.acquires[3]?.owner, { kind: 'process', pid: process.pid });
  service.onAcquire = () => Promise.resolve({
    lock: aLock(), acquired: false, convertedFrom: null,
  });
  t.is((await cli(socketPath, 'acquire', 'vm-17', '--owner', 'qemu-17')).stdout,
    'vm-17: held already in mode EX for qemu-17 on n1, generation 1790000000017, since 3 minutes ago (2026-01-02 03:04:05Z)\n');
});

test('acquire says when it has converted what was held', async (t) => {
  const { service, socketPath } = await serve(t);
  service.onAcquire = () => Promise.resolve({
    lock: aLock(), acquired: false, convertedFrom: 'PR',
  });
  t.is((await cli(socketPath, 'acquire', 'vm-17', '--owner', 'qemu-17')).stdout,
    'vm-17: converted from mode PR to EX for qemu-17 on n1, generation 1790000000017\n');
});

test('convert passes on mode, owner and wait, and says what has become of it', async (t) => {
  const { service, socketPath } = await serve(t);
  const convert = (...rest: string[]) => {
    return cli(socketPath, 'convert', 'vm-1', '--owner', 'o', ...rest);
  };
  t.like(await convert('--mode', 'PR', '--wait', '1.5'), {
    exitCode: 0, stdout: 'vm-1: converted from mode EX to PR for o on n1\n',
  });
  t.like(service.converts[0], {
    resource: 'vm-1', mode: 'PR', owner: { kind: 'named', name: 'o' }, waitMs: 1500,
  });
  t.like(await convert('--mode', 'EX'), {
    exitCode: 0, stdout: 'vm-1: held already in mode EX for o on n1\n',
  });
  service.onConvert = () => Promise.resolve({
    lock: aLock({ converting: 'PR' }), from: 'EX', converted: true, pending: true,
  });
  t.regex((await convert('--mode', 'PR')).stdout, /from mode EX to PR accepted .* lockspace runs/);
  t.like(JSON.parse((await convert('--mode', 'PR', '--json')).stdout), { pending: true, from: 'EX' });
  t.is((await convert()).exitCode, 2);
  t.is((await convert('--mode', 'XX')).exitCode, 2);
  service.lockViews = [aLock({ mode: 'PR', converting: 'EX' })];
  t.regex((await cli(socketPath, 'locks')).stdout, / PR -> EX +held /);
});

test('release tells released, pending and nothing apart', async (t) => {
  const { service, socketPath } = await serve(t);
  const release = () => cli(socketPath, 'release', 'vm-1', '--owner', 'o');
  t.like(await release(), { exitCode: 0, stdout: 'vm-1: released\n' });
  service.onRelease = () => Promise.resolve({ released: true, pending: true });
  t.like(await release(), { exitCode: 0 });
  t.regex((await release()).stdout, /when the lockspace runs again/);
  service.onRelease = () => Promise.resolve({ released: false, pending: false });
  t.like(await release(), { exitCode: 0, stdout: 'vm-1: nothing to release: o holds no lock on it\n' });
});

test('stop refuses, releases or keeps as it is told', async (t) => {
  const { service, socketPath } = await serve(t);
  const asked: string[] = [];
  service.onStop = (locks) => {
    asked.push(locks);
    return locks === 'refuse'
      ? Promise.reject(new CoordinatorError('LOCKS_HELD', 'the daemon holds vm-17'))
      : Promise.resolve({ kept: locks === 'keep' ? 1 : 0 });
  };
  t.like(await cli(socketPath, 'stop'), { exitCode: 1, stderr: 'holdfast: the daemon holds vm-17\n' });
  t.like(await cli(socketPath, 'stop', '--release-locks'), {
    exitCode: 0, stdout: 'stopped; nothing is left held\n',
  });
  t.regex((await cli(socketPath, 'stop', '--keep-locks')).stdout, /1 lock is kept as orphans/);
  t.is((await cli(socketPath, 'stop', '--keep-locks', '--release-locks')).exitCode, 2);
  t.deepEqual(asked, ['refuse', 'release', 'keep']);
});

test('every refusal has its exit status, and a refused acquire names the holder', async (t) => {
  const { service, socketPath } = await serve(t);
  const expected: Record<CoordinatorErrorCode, number> = {
    HELD: 1, BAD_NAME: 2, STOPPING: 3, TIMEOUT: 4, NO_QUORUM: 5, RECOVERING: 5, ISOLATED: 5,
    STARTING: 5, NOT_HELD: 6, NOT_OWNER: 6, CANCELED: 7, BUSY: 7, LIST_FAILED: 5, LOCKS_HELD: 1,
    OWNER_GONE: 7, LIMIT: 7, LOCK_MANAGER: 7, UNSAFE: 7, DEADLOCK: 1, HANDOVER: 1, NOT_OFFERED: 4,
    NOT_JOINED: 4, NO_SUCH_NODE: 6, MODE_RESERVED: 2,
  };
  for (const [code, exitCode] of Object.entries(expected)) {
    service.onAcquire = () => Promise.reject(new CoordinatorError(
      code as CoordinatorErrorCode, `said ${code}`,
      { holders: [aLock({ node: { id: 2, name: 'n2' }, nodeState: 'node-down' })] },
    ));
    const argv = ['acquire', 'vm-17', '--owner', 'o'];
    const human = await cli(socketPath, ...argv);
    t.is(human.exitCode, exitCode, code);
    t.is(human.stdout, '');
    t.regex(human.stderr, new RegExp(`^holdfast: said ${code}\nRESOURCE .*\nvm-17 .* n2 \\(cut off or dead`));
    const json = await cli(socketPath, ...argv, '--json');
    t.is(json.exitCode, exitCode);
    t.like(JSON.parse(json.stdout), { error: { code, message: `said ${code}`, exitCode } });
  }
});

test('a daemon that does not run gives 3 and says which socket', async (t) => {
  const { exitCode, stderr } = await cli('/nonexistent/s', 'status');
  t.is(exitCode, 3);
  t.regex(stderr, /No daemon answers on \/nonexistent\/s/);
});

test('a daemon of another version gives 7', async (t) => {
  const socketPath = join(await temporaryDirectory(t), 's');
  const server = createServer((_, response) => response.end('{}'));
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.teardown(() => server.close());
  t.is((await cli(socketPath, 'status')).exitCode, 7);
});

for (const [what, argv, message] of [
  ['no owner', ['acquire', 'r'], /it ends at once, and the lock with it/],
  ['two owners', ['release', 'r', '--owner', 'a', '--owner-pid', '1'], /not both/],
  ['an unknown command', ['frobnicate'], /unknown command/],
  ['a missing resource', ['release', '--owner', 'a'], /missing required argument/],
  ['two modes', ['acquire', 'r', '--owner', 'a', '--shared', '--mode', 'EX'], /cannot be used with/],
  ['an unknown mode', ['acquire', 'r', '--owner', 'a', '--mode', 'XX'], /EX/],
  ['a wait that is no number', ['acquire', 'r', '--owner', 'a', '--wait', 'soon'], /number of seconds/],
  ['nothing to run', ['run', 'r'], /Say what to run/],
  ['nothing at all', [], /Usage: holdfast/],
  ['a name with a control character', ['acquire', 'r\n', '--owner', 'a'], /control character/],
] as const) {
  test(`a wrong command line gives 2: ${what}`, async (t) => {
    const { socketPath, service } = await serve(t);
    const { exitCode, stderr } = await cli(socketPath, ...argv);
    t.is(exitCode, 2);
    t.regex(stderr, message);
    t.is(service.acquires.length, 0);
  });
}

test('an owning process that does not exist is told as such', async (t) => {
  const { socketPath } = await serve(t);
  const { exitCode, stderr } = await cli(socketPath, 'acquire', 'r', '--owner-pid', '4194304');
  t.is(exitCode, 7);
  t.regex(stderr, /There is no process 4194304/);
});

test('help documents the exit statuses', async (t) => {
  const { exitCode, stdout } = await cli('/x', '--help');
  t.is(exitCode, 0);
  t.regex(stdout, /Exit status:\n {2}0 {2}done\n {2}1 {2}refused/);
});

test('the socket comes from the option, then the environment, then the config file', async (t) => {
  const { socketPath } = await serve(t);
  const directory = await temporaryDirectory(t);
  const config = join(directory, 'holdfast.toml');
  await writeFile(config, `socket = ${JSON.stringify(socketPath)}\n`);
  const none = collect();
  t.is(await runCli(['status', '--config', config], none.context), 0);
  t.is((await cli('/nonexistent/s', 'status', '--socket', socketPath)).exitCode, 0);
  t.is((await cli('/nonexistent/s', 'status', '--config', config)).exitCode, 3);

  await writeFile(config, 'sokcet = "/x"\n');
  const wrong = collect();
  t.is(await runCli(['status', '--config', config], wrong.context), 2);
  t.regex(wrong.written.stderr, /holdfast\.toml:1: sokcet: .*Did you mean socket\?/);
  await mkdir(join(directory, 'd'));
  t.is(await runCli(['status', '--config', join(directory, 'absent')], collect().context), 2);
});

test('watch prints events as they come until it is interrupted', async (t) => {
  const { service, socketPath } = await serve(t);
  const at = '2026-01-02T03:04:05.000Z';
  for (const argv of [['watch'], ['watch', '--json']]) {
    const { context, written, signal } = collect({ HOLDFAST_SOCKET: socketPath });
    const watching = runCli(argv, context);
    await until(() => service.listeners.size === 1);
    service.emit({ at, type: 'lock', lock: aLock(), gone: false });
    service.emit({ at, type: 'node', node: aNode({ name: 'n2', state: 'recovered' }) });
    await until(() => written.stdout.split('\n').length === 3);
    signal('SIGINT');
    t.is(await watching, 0);
    const lines = written.stdout.trimEnd().split('\n');
    if (argv.length === 1) {
      t.deepEqual(lines, [
        `${at}  lock vm-17: qemu-17 on n1 holds it (EX)`,
        `${at}  node n2: recovered (dead; its locks are gone)`,
      ]);
    } else {
      t.like(JSON.parse(lines[0] ?? ''), { at, type: 'lock', gone: false });
    }
    await until(() => service.listeners.size === 0);
  }
});

test('watch ends with 3 and the reason when the daemon stops', async (t) => {
  const { service, socketPath, server } = await serve(t);
  const watching = cli(socketPath, 'watch');
  await until(() => service.listeners.size === 1);
  const [{ exitCode, stderr }] = await Promise.all([watching, server.close()]);
  t.is(exitCode, 3);
  t.regex(stderr, /The daemon stops/);
});
