import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openControlClient } from '../src/control/index.js';
import { CoordinatorError } from '../src/coordinator/error.js';
import { DAEMON_EXIT, exitStatusOf } from '../src/daemon.js';
import { CLI, DAEMON, Program } from './support/program.js';

/** A user without rights, as on every Debian. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const WITHOUT_RIGHTS = isRoot ? { userId: NOBODY } : {};
/** A daemon that finds a corosync here would join a cluster that is none of a test's business. */
const onClusterNode = readFileSync('/proc/net/unix', 'utf8').includes('@cpg');
const daemonTest = onClusterNode ? test.skip : test;

interface Place {
  readonly folder: string;
  readonly socketPath: string;
  readonly stateDir: string;
  /** Writes a configuration with these lines beside the socket and the state; gives its path. */
  config(name: string, lines?: Readonly<Record<string, unknown>>): string;
}

async function placeOf(t: ExecutionContext): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-daemon-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const socketPath = join(folder, 'control.sock');
  const stateDir = join(folder, 'state');
  return {
    folder, socketPath, stateDir,
    config(name, lines = {}) {
      const all = { socket: socketPath, state_dir: stateDir, node_name: 'here', ...lines };
      const text = Object.entries(all).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
      const path = join(folder, `${name}.toml`);
      writeFileSync(path, text.join('\n'));
      return path;
    },
  };
}

async function startDaemon(t: ExecutionContext, config: string): Promise<Program> {
  const daemon = Program.start(t, DAEMON, ['--config', config]);
  await daemon.untilSaid(/answers on/);
  return daemon;
}

test('a wrong configuration is refused with each key and what to do', async (t) => {
  const place = await placeOf(t);
  const config = place.config('bad', { soket: '/x', log_level: 3, on_stop: 'never' });
  const daemon = await Program.run(t, DAEMON, ['--config', config]);
  t.is(daemon.exitCode, 2);
  t.regex(daemon.stderr, /bad\.toml:4: soket: this key is not known.*Did you mean socket\?/);
  t.regex(daemon.stderr, /bad\.toml:5: log_level: found the number 3; allowed: "error", "warn"/);
  t.regex(daemon.stderr, /bad\.toml:6: on_stop: .*allowed: "refuse", "release", "keep"/);
  t.false(existsSync(place.socketPath));
});

test('what a restart cannot mend has exit statuses of its own, which systemd does not retry', (t) => {
  t.is(exitStatusOf(new CoordinatorError('UNSAFE', 'no fencing')), 3);
  t.is(exitStatusOf(new CoordinatorError('STOPPING', 'over')), 1);
  const unit = readFileSync(new URL('../../systemd/holdfastd.service', import.meta.url), 'utf8');
  const { badConfig, unsafe } = DAEMON_EXIT;
  t.regex(unit, new RegExp(`^RestartPreventExitStatus=${badConfig} ${unsafe}$`, 'm'));
});

test('a configuration that was named has to exist', async (t) => {
  const place = await placeOf(t);
  const daemon = await Program.run(t, DAEMON, ['--config', join(place.folder, 'nowhere.toml')]);
  t.is(daemon.exitCode, 2);
  t.regex(daemon.stderr, /nowhere\.toml.*does not exist.*Correct the path/);
});

daemonTest('without corosync it runs, says what it waits for, and ends on SIGTERM', async (t) => {
  const place = await placeOf(t);
  const daemon = await startDaemon(t, place.config('only'));
  await daemon.untilSaid(/standing: starting, waiting for corosync \(.*(start|install)/);
  const cli = (...args: string[]) => Program.run(t, CLI, ['--socket', place.socketPath, ...args]);
  const status = await cli('status');
  t.is(status.exitCode, 0);
  t.regex(status.stdout, /^standing +starting: waits for corosync \(.*(start|install)/m);
  const acquire = await cli('acquire', 'disk', '--owner', 'me');
  t.is(acquire.exitCode, 5);
  t.regex(acquire.stderr, /still starting: it waits for corosync/);

  daemon.child.kill('SIGTERM');
  t.is(await daemon.ended(), 0);
  t.regex(daemon.stderr, /SIGTERM: stopping/);
  t.false(existsSync(place.socketPath));
});

daemonTest('SIGINT ends it as SIGTERM does', async (t) => {
  const place = await placeOf(t);
  const daemon = await startDaemon(t, place.config('only'));
  daemon.child.kill('SIGINT');
  t.is(await daemon.ended(), 0);
});

daemonTest('a second daemon on the socket ends with its own error', async (t) => {
  const place = await placeOf(t);
  const first = await startDaemon(t, place.config('first'));
  const config = place.config('second', { state_dir: join(place.folder, 'other') });
  const second = await Program.run(t, DAEMON, ['--config', config]);
  t.is(second.exitCode, 1);
  t.regex(second.stderr, /Another daemon answers on .*\.sock.*Stop it first, or set `socket`/);
  t.is((await openControlClient(place).status()).node.name, 'here');
  first.child.kill('SIGTERM');
  t.is(await first.ended(), 0);
});

daemonTest('a second daemon on the state directory has an error of its own', async (t) => {
  const place = await placeOf(t);
  const first = await startDaemon(t, place.config('first'));
  const socket = join(place.folder, 'other.sock');
  const second = await Program.run(t, DAEMON, ['--config', place.config('second', { socket })]);
  t.is(second.exitCode, 1);
  t.regex(second.stderr, /another process has the lock list in .*; is holdfastd running already\?/);
  t.regex(second.stderr, new RegExp(`: pid ${first.child.pid ?? 0} \\(.*node.* --config .*first`));
  t.false(existsSync(socket));
  t.is((await openControlClient(place).status()).node.name, 'here');
  t.is(first.exitCode, null);
});

daemonTest('what a killed daemon left behind does not keep the next one out', async (t) => {
  const place = await placeOf(t);
  const first = await startDaemon(t, place.config('only'));
  await first.end();
  t.true(existsSync(place.socketPath));
  await startDaemon(t, place.config('only'));
  t.is((await openControlClient(place).status()).node.name, 'here');
});

daemonTest('a file in the place of the socket is left alone', async (t) => {
  const place = await placeOf(t);
  writeFileSync(place.socketPath, 'precious');
  const daemon = await Program.run(t, DAEMON, ['--config', place.config('only')]);
  t.is(daemon.exitCode, 1);
  t.regex(daemon.stderr, /\.sock exists and is not a socket, so it is left alone; remove it/);
  t.is(readFileSync(place.socketPath, 'utf8'), 'precious');
});

daemonTest('no right to the directory of the socket: the error names it', async (t) => {
  const place = await placeOf(t);
  chmodSync(place.folder, 0o755);
  mkdirSync(place.stateDir, { mode: 0o700 });
  const closed = join(place.folder, 'closed');
  mkdirSync(closed, { mode: 0o555 });
  if (isRoot) chownSync(place.stateDir, NOBODY, NOBODY);
  const config = place.config('only', { socket: join(closed, 'control.sock') });
  const daemon = await Program.run(t, DAEMON, ['--config', config], WITHOUT_RIGHTS);
  t.is(daemon.exitCode, 1, daemon.stderr);
  t.regex(daemon.stderr, /may not use .*closed\/control\.sock.*run the daemon as root, or set/);
});

daemonTest('no right to the state directory: the error names it', async (t) => {
  const place = await placeOf(t);
  chmodSync(place.folder, 0o755);
  mkdirSync(join(place.folder, 'closed'), { mode: 0o555 });
  const config = place.config('only', { state_dir: join(place.folder, 'closed', 'state') });
  const daemon = await Program.run(t, DAEMON, ['--config', config], WITHOUT_RIGHTS);
  t.is(daemon.exitCode, 1, daemon.stderr);
  t.regex(daemon.stderr, /cannot use .*closed\/state for the lock list: .*permission denied/i);
});

daemonTest('a state directory that others can write in, or that is another user\'s, is refused', async (t) => {
  const place = await placeOf(t);
  mkdirSync(place.stateDir);
  chmodSync(place.stateDir, 0o777);
  const open = await Program.run(t, DAEMON, ['--config', place.config('open')]);
  t.is(open.exitCode, 1, open.stderr);
  t.regex(open.stderr, /state directory .*state can be written by others \(mode 0777\).*chmod it/);
  if (!isRoot) return;
  chmodSync(place.stateDir, 0o755);
  chownSync(place.stateDir, NOBODY, NOBODY);
  const foreign = await Program.run(t, DAEMON, ['--config', place.config('foreign')]);
  t.is(foreign.exitCode, 1, foreign.stderr);
  t.regex(foreign.stderr, /belongs to user 65534: whoever changes .*chown it to user 0/);
});
