import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ControlError } from '../../src/control/error.js';
import { openControlClient } from '../../src/control/client.js';
import { findControlGroupId } from '../../src/control/group-id.js';
import { startControlServer } from '../../src/control/server.js';
import { claimSocket } from '../../src/control/socket.js';
import { FakeService } from './fake-service.js';
import { MemoryLog, serve, temporaryDirectory } from './fixture.js';

/** A socket file that a killed process left behind. */
async function leaveDeadSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  await once(child, 'exit');
}

function start(socketPath: string, log = new MemoryLog()) {
  return startControlServer({ service: new FakeService(), socketPath, log });
}

test('the directory is made, the socket is for owner and group only, and it goes at the end', async (t) => {
  const directory = await temporaryDirectory(t);
  const socketPath = join(directory, 'run', 'control.sock');
  const server = await start(socketPath);
  const stats = await lstat(socketPath);
  t.true(stats.isSocket());
  t.is(stats.mode & 0o777, 0o660);
  t.deepEqual(await readdir(join(directory, 'run')), ['control.sock']);
  await server.close();
  t.deepEqual(await readdir(join(directory, 'run')), []);
});

test('a living daemon keeps its socket, and the second is told so', async (t) => {
  const { socketPath, client } = await serve(t);
  const error = await t.throwsAsync(start(socketPath), { instanceOf: ControlError });
  t.is(error.code, 'SOCKET_IN_USE');
  t.true(error.message.includes(socketPath));
  t.is((await client.status()).node.name, 'n1');
});

test('the socket of a dead daemon is replaced, with a word in the log', async (t) => {
  const directory = await temporaryDirectory(t);
  const socketPath = join(directory, 's');
  await leaveDeadSocket(socketPath);
  t.true((await lstat(socketPath)).isSocket());
  const log = new MemoryLog();
  const server = await start(socketPath, log);
  t.teardown(() => server.close());
  t.is((await openControlClient({ socketPath }).status()).node.id, 1);
  t.true(log.lines.some(({ message }) => message.includes('dead daemon')));
  t.deepEqual(await readdir(directory), ['s']);
});

test('of many that start at once on a dead socket exactly one gets it, and it answers', async (t) => {
  const directory = await temporaryDirectory(t);
  const socketPath = join(directory, 's');
  await leaveDeadSocket(socketPath);
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => start(socketPath)));
  const winners = results.filter((result) => result.status === 'fulfilled');
  t.teardown(() => Promise.all(winners.map(({ value }) => value.close())));
  t.is(winners.length, 1);
  const codes = results.flatMap((result): unknown[] =>
    result.status === 'rejected' ? [(result.reason as ControlError).code] : []);
  t.deepEqual(codes, Array.from({ length: 7 }, () => 'SOCKET_IN_USE'));
  t.is((await openControlClient({ socketPath }).status()).node.id, 1);
  t.deepEqual(await readdir(directory), ['s']);
});

test('what is not a socket is left alone', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'file');
  await writeFile(file, 'precious');
  const subdirectory = join(directory, 'directory');
  await mkdir(subdirectory);
  const pointer = join(directory, 'pointer');
  await symlink(file, pointer);
  for (const path of [file, subdirectory, pointer]) {
    const error = await t.throwsAsync(start(path), { instanceOf: ControlError });
    t.is(error.code, 'SOCKET_TAKEN');
  }
  t.is(await readFile(file, 'utf8'), 'precious');
});

test('a path longer than the kernel takes is refused before anything is made', async (t) => {
  const directory = await temporaryDirectory(t);
  const error = await t.throwsAsync(start(join(directory, 'x'.repeat(100))), {
    instanceOf: ControlError,
  });
  t.is(error.code, 'SOCKET_FAILED');
  t.deepEqual(await readdir(directory), []);
});

test('a directory that cannot be made is told as such', async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'file'), '');
  const error = await t.throwsAsync(start(join(directory, 'file', 's')), {
    instanceOf: ControlError,
  });
  t.is(error.code, 'SOCKET_FAILED');
});

test('closing does not remove the socket of a successor', async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 's');
  const servers = [createServer(), createServer()] as const;
  t.teardown(() => servers.forEach((server) => server.close()));
  const listenWith = (server: (typeof servers)[number]) => async (birthPath: string) => {
    server.listen(birthPath);
    await once(server, 'listening');
  };
  const first = await claimSocket(path, listenWith(servers[0]), new MemoryLog());
  servers[0].close();
  const second = await claimSocket(path, listenWith(servers[1]), new MemoryLog());
  await first.release();
  t.true((await lstat(path)).isSocket());
  await second.release();
  await t.throwsAsync(lstat(path), { code: 'ENOENT' });
});

test('the group haclient is found in the group file, and its absence is no error', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'group');
  await writeFile(file, 'root:x:0:\nhaclientele:x:7:\nhaclient:x:189:hacluster\n');
  t.is(await findControlGroupId(file), 189);
  await writeFile(file, 'root:x:0:\n');
  t.is(await findControlGroupId(file), null);
});
