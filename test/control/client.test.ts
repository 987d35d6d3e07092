import test from 'ava';
import { createServer } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CoordinatorError } from '../../src/coordinator/error.js';
import { openControlClient } from '../../src/control/client.js';
import { ControlError, RefusedError } from '../../src/control/error.js';
import { HTTP_STATUS } from '../../src/control/http-status.js';
import { ask, serve, temporaryDirectory, until } from './fixture.js';
import { aLock, aNode, waitForAbort } from './fake-service.js';

const owner = { kind: 'named', name: 'qemu-17' } as const;

test('status, nodes and locks arrive as the coordinator gave them', async (t) => {
  const { client, service } = await serve(t);
  service.lockViews = [aLock(), aLock({ resource: 'vm-18', owner: null, state: 'quarantined' })];
  const status = await client.status();
  t.like(status, { node: { id: 1, name: 'n1' }, standing: { kind: 'ok' }, quorumNodes: [1, 2, 3] });
  t.deepEqual(await client.nodes(), service.nodeViews);
  t.deepEqual(await client.locks(), service.lockViews);
});

test('status carries the counters of the control server beside those of the coordinator', async (t) => {
  const { client, service } = await serve(t);
  service.statusView = { ...service.statusView, counters: { staleMessages: 3 } };
  t.deepEqual((await client.status()).counters, {
    staleMessages: 3,
    'control.connectionsDropped': 0,
    'control.requestsRefused': 0,
    'control.watchersRefused': 0,
    'control.watchersDropped': 0,
  });
});

test('an acquire passes on resource, mode, owner and wait, and returns the lock', async (t) => {
  const { client, service } = await serve(t);
  const result = await client.acquire({ resource: 'vm-17', mode: 'PR', owner, waitMs: null });
  t.true(result.acquired);
  t.is(result.lock.mode, 'PR');
  t.like(service.acquires[0], { resource: 'vm-17', mode: 'PR', owner, waitMs: null });
});

test('an acquire by hand defaults to exclusive and to no waiting', async (t) => {
  const { service, socketPath } = await serve(t);
  const { status } = await ask(socketPath, 'POST', '/v1/acquire',
    JSON.stringify({ resource: 'vm-17', owner }));
  t.is(status, 200);
  t.like(service.acquires[0], { mode: 'EX', waitMs: 0 });
});

test('a convert passes on resource, mode, owner and wait, and has no mode by default', async (t) => {
  const { client, service, socketPath } = await serve(t);
  const result = await client.convert({ resource: 'vm-17', mode: 'PR', owner, waitMs: null });
  t.like(result, { from: 'EX', converted: true, pending: false, lock: { mode: 'PR' } });
  t.like(service.converts[0], { resource: 'vm-17', mode: 'PR', owner, waitMs: null });
  const body = { resource: 'vm-17', owner };
  const { status } = await ask(socketPath, 'POST', '/v1/convert', JSON.stringify(body));
  t.is(status, 400);
  const plain = JSON.stringify({ ...body, mode: 'CR' });
  t.is((await ask(socketPath, 'POST', '/v1/convert', plain)).status, 200);
  t.like(service.converts[1], { mode: 'CR', waitMs: 0 });
});

test('a release passes on resource and owner', async (t) => {
  const { client, service } = await serve(t);
  const process = { kind: 'process', pid: 4711, startTime: 123_456 } as const;
  t.deepEqual(await client.release({ resource: 'vm-17', owner: process }), {
    released: true, pending: false,
  });
  t.like(service.releases[0], { resource: 'vm-17', owner: process });
});

test('every refusal of the coordinator reaches the caller with its code and status', async (t) => {
  const { client, service, socketPath } = await serve(t);
  const own = new Set(['BAD_REQUEST', 'NOT_FOUND', 'INTERNAL']);
  const codes = Object.keys(HTTP_STATUS).filter((code) => !own.has(code));
  t.is(codes.length, 24);
  for (const code of codes as CoordinatorError['code'][]) {
    const holders = code === 'HELD' ? [aLock({ node: { id: 2, name: 'n2' } })] : [];
    service.onAcquire = () => Promise.reject(
      new CoordinatorError(code, `refused: ${code}`, { retryable: code === 'BUSY', holders }),
    );
    const error = await t.throwsAsync(
      client.acquire({ resource: 'vm-17', mode: 'EX', owner, waitMs: 0 }),
      { instanceOf: RefusedError },
    );
    t.is(error.code, code);
    t.is(error.message, `refused: ${code}`);
    t.is(error.retryable, code === 'BUSY');
    t.deepEqual(error.holders, holders);
    const body = JSON.stringify({ resource: 'vm-17', owner });
    t.is((await ask(socketPath, 'POST', '/v1/acquire', body)).status, HTTP_STATUS[code]);
  }
});

test('a stop passes on what becomes of the locks, and says how many are kept', async (t) => {
  const { client, service } = await serve(t);
  const asked: string[] = [];
  service.onStop = (locks) => {
    asked.push(locks);
    return Promise.resolve({ kept: 2 });
  };
  t.deepEqual(await client.stop('keep'), { kept: 2 });
  service.onStop = () => Promise.reject(new CoordinatorError('LOCKS_HELD', 'still held'));
  const error = await t.throwsAsync(client.stop('refuse'), { instanceOf: RefusedError });
  t.is(error.code, 'LOCKS_HELD');
  t.deepEqual(asked, ['keep']);
});

test('an unforeseen failure is logged in full and told without its words', async (t) => {
  const { client, service, log } = await serve(t);
  service.onRelease = () => Promise.reject(new TypeError('secret of the house'));
  const error = await t.throwsAsync(client.release({ resource: 'vm-17', owner }), {
    instanceOf: RefusedError,
  });
  t.is(error.code, 'INTERNAL');
  t.notRegex(error.message, /secret|\.js/);
  t.is(log.lines.length, 1);
  t.like(log.lines[0], { level: 'error', facts: { error: 'secret of the house' } });
});

test('aborting a waiting acquire reaches the coordinator', async (t) => {
  const { client, service } = await serve(t);
  service.onAcquire = waitForAbort;
  const abort = new AbortController();
  const acquiring = client.acquire({
    resource: 'vm-17', mode: 'EX', owner, waitMs: null, signal: abort.signal,
  });
  await until(() => service.acquires.length === 1);
  abort.abort();
  t.is((await t.throwsAsync(acquiring, { instanceOf: ControlError })).code, 'CANCELED');
  await until(() => service.acquires[0]?.signal.aborted === true);
});

test('an answered acquire never sees its signal aborted afterwards', async (t) => {
  const { client, service } = await serve(t);
  await client.acquire({ resource: 'vm-17', mode: 'EX', owner, waitMs: 0 });
  await client.status();
  t.false(service.acquires[0]?.signal.aborted);
});

test('no socket and a dead socket both mean that the daemon does not run', async (t) => {
  const directory = await temporaryDirectory(t);
  const absent = join(directory, 'absent.sock');
  const error = await t.throwsAsync(openControlClient({ socketPath: absent }).status(), {
    instanceOf: ControlError,
  });
  t.is(error.code, 'DAEMON_NOT_RUNNING');
  t.true(error.message.includes(absent));
  t.regex(error.message, /systemctl start holdfastd/);

  const file = join(directory, 'file');
  await writeFile(file, '');
  const refused = await t.throwsAsync(openControlClient({ socketPath: file }).status(), {
    instanceOf: ControlError,
  });
  t.is(refused.code, 'DAEMON_NOT_RUNNING');
  const long = openControlClient({ socketPath: `/${'x'.repeat(120)}` });
  t.is((await t.throwsAsync(long.status(), { instanceOf: ControlError })).code, 'DAEMON_NOT_RUNNING');
});

test('answers that are not ours are refused as such', async (t) => {
  const directory = await temporaryDirectory(t);
  const socketPath = join(directory, 's');
  const bodies = ['not JSON', '{"nodes": 7}', JSON.stringify({ nodes: [{ ...aNode(), state: 'odd' }] })];
  for (const body of bodies) {
    const server = createServer((_, response) => response.end(body));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const error = await t.throwsAsync(openControlClient({ socketPath }).nodes(), {
      instanceOf: ControlError,
    });
    t.is(error.code, 'BAD_REPLY');
    t.regex(error.message, /another version/);
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a refusal with a code from the future is kept literally', async (t) => {
  const directory = await temporaryDirectory(t);
  const socketPath = join(directory, 's');
  const server = createServer((_, response) => {
    response.writeHead(418).end(JSON.stringify({
      error: { code: 'NEWER', message: 'm', retryable: true, holders: [], problems: [] },
    }));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.teardown(() => server.close());
  const error = await t.throwsAsync(openControlClient({ socketPath }).status(), {
    instanceOf: RefusedError,
  });
  t.is(error.code, 'UNKNOWN');
  t.is(error.serverCode, 'NEWER');
  t.true(error.retryable);
});

test('a daemon that hangs up without an answer is a lost connection', async (t) => {
  const directory = await temporaryDirectory(t);
  const socketPath = join(directory, 's');
  const server = createServer((request) => request.socket.destroy());
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.teardown(() => server.close());
  const error = await t.throwsAsync(openControlClient({ socketPath }).status(), {
    instanceOf: ControlError,
  });
  t.is(error.code, 'CONNECTION_LOST');
  t.regex(error.message, /may have been done/);
});
