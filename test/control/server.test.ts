import test from 'ava';
import { once, setMaxListeners } from 'node:events';
import { connect, type Socket } from 'node:net';
import { CoordinatorError } from '../../src/coordinator/error.js';
import { ControlError, RefusedError } from '../../src/control/error.js';
import {
  CONNECTIONS_MAX, REQUEST_BODY_BYTES_MAX, REQUEST_HEADER_BYTES_MAX, REQUESTS_WAITING_MAX,
} from '../../src/control/limits.js';
import { ask, serve, until, type RawAnswer } from './fixture.js';
import { waitForAbort } from './fake-service.js';

const owner = { kind: 'named', name: 'o' } as const;

function errorOf(answer: RawAnswer): Record<string, unknown> {
  return (answer.body as { error: Record<string, unknown> }).error;
}

test('a request that breaks rules is refused with every field and its rule', async (t) => {
  const { socketPath, service } = await serve(t);
  const answer = await ask(socketPath, 'POST', '/v1/acquire', JSON.stringify({
    resource: 'a\u0007', owner: { kind: 'named', name: '' }, waitMs: 'long',
  }));
  t.is(answer.status, 400);
  const error = errorOf(answer);
  t.is(error['code'], 'BAD_REQUEST');
  const problems = error['problems'] as { path: string; message: string }[];
  t.deepEqual(problems.map(({ path }) => path), ['resource', 'owner.name', 'waitMs']);
  t.is(problems[0]?.message,
    'it contains a control character; a resource name has 1 to 1024 bytes of UTF-8 and no control characters');
  t.is(service.acquires.length, 0);
});

for (const [what, body, type, status] of [
  ['no JSON', '{', 'application/json', 400],
  ['no body', null, 'application/json', 400],
  ['another type of body', 'resource=a', 'application/x-www-form-urlencoded', 415],
  ['a body too large', JSON.stringify({ resource: 'x'.repeat(REQUEST_BODY_BYTES_MAX) }), 'application/json', 413],
  ['an attempt on the prototype', '{"__proto__": {"resource": "a"}}', 'application/json', 400],
] as const) {
  test(`refused before the coordinator sees it: ${what}`, async (t) => {
    const { socketPath, service, log } = await serve(t);
    const answer = await ask(socketPath, 'POST', '/v1/acquire', body, { 'content-type': type });
    t.is(answer.status, status);
    t.is(errorOf(answer)['code'], 'BAD_REQUEST');
    t.is(service.acquires.length, 0);
    t.deepEqual(log.lines, []);
  });
}

test('headers have a bound', async (t) => {
  const { socketPath } = await serve(t);
  const headers = { 'x-long': 'x'.repeat(REQUEST_HEADER_BYTES_MAX) };
  const answer = await ask(socketPath, 'GET', '/v1/status', null, headers);
  t.is(answer.status, 431);
});

test('an address that is not there is told as such', async (t) => {
  const { socketPath } = await serve(t);
  const answer = await ask(socketPath, 'GET', '/v1/lock', null, {});
  t.is(answer.status, 404);
  t.is(errorOf(answer)['code'], 'NOT_FOUND');
  t.is((await ask(socketPath, 'GET', '/v1/acquire', null, {})).status, 404);
});

test('the OpenAPI document lists every address and the bounds of names', async (t) => {
  const { socketPath } = await serve(t);
  const { status, body } = await ask(socketPath, 'GET', '/v1/openapi.json', null, {});
  t.is(status, 200);
  const document = body as { openapi: string; paths: Record<string, Record<string, unknown>> };
  t.is(document.openapi, '3.1.0');
  t.deepEqual(Object.keys(document.paths).sort(), [
    '/v1/acquire', '/v1/acquire-set', '/v1/convert', '/v1/explain',
    '/v1/handover/abort', '/v1/handover/finish', '/v1/handover/join', '/v1/handover/open',
    '/v1/hints/fencing',
    '/v1/last-manifest', '/v1/locks', '/v1/nodes', '/v1/openapi.json', '/v1/orphans',
    '/v1/own-lock',
    '/v1/release', '/v1/release-orphan', '/v1/status', '/v1/stop', '/v1/watch',
  ]);
  t.like(document.paths['/v1/acquire']?.['post'], {
    requestBody: {
      content: {
        'application/json': {
          schema: {
            properties: { resource: { type: 'string', minLength: 1 }, waitMs: { default: 0 } },
            required: ['resource', 'owner'],
          },
        },
      },
    },
  });
});

test('requests under way have a bound; status is answered beyond it, and the refused are counted', async (t) => {
  const { client, service } = await serve(t);
  service.onAcquire = waitForAbort;
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  const acquire = (index: number) => client.acquire({
    resource: `r${index}`, mode: 'EX', owner, waitMs: null, signal: abort.signal,
  });
  const waiting = Array.from({ length: REQUESTS_WAITING_MAX }, (_, index) => acquire(index));
  await until(() => service.acquires.length === REQUESTS_WAITING_MAX);
  const error = await t.throwsAsync(acquire(-1), { instanceOf: RefusedError });
  t.is(error.code, 'LIMIT');
  t.true(error.retryable);
  t.is((await client.status()).counters['control.requestsRefused'], 1);
  abort.abort();
  await Promise.allSettled(waiting);
  await until(() => service.acquires.every(({ signal }) => signal.aborted));
  service.onAcquire = () => Promise.reject(new CoordinatorError('HELD', 'h'));
  t.is((await t.throwsAsync(client.acquire({ resource: 'a', mode: 'EX', owner, waitMs: 0 }), {
    instanceOf: RefusedError,
  })).code, 'HELD');
});

test('connections have a bound, and those beyond it are counted', async (t) => {
  const { client, socketPath } = await serve(t);
  const sockets: Socket[] = [];
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  let closed = 0;
  for (let index = 0; index < CONNECTIONS_MAX + 8; index++) {
    const socket = connect({ path: socketPath });
    sockets.push(socket);
    socket.on('close', () => {
      closed += 1;
    });
    socket.resume();
    await once(socket, 'connect');
  }
  await until(() => closed === 8);
  t.is((await t.throwsAsync(client.status(), { instanceOf: ControlError })).code, 'CONNECTION_LOST');
  sockets.forEach((socket) => socket.destroy());
  await until(() => closed === sockets.length);
  // The server hears of it a moment later, and until then it has no room.
  let dropped = 0;
  for (let tries = 0; dropped === 0 && tries < 200; tries += 1) {
    dropped = await client.status().then(
      ({ counters }) => counters['control.connectionsDropped'] ?? 0, () => 0);
    if (dropped === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.true(dropped >= 9, `${dropped}`);
});

test('a caller who hangs up cancels one waiting acquire and no other', async (t) => {
  const { client, service } = await serve(t);
  service.onAcquire = waitForAbort;
  const aborts = [new AbortController(), new AbortController()] as const;
  const waiting = aborts.map(({ signal }, index) => client.acquire({
    resource: `r${index}`, mode: 'EX', owner, waitMs: null, signal,
  }));
  await until(() => service.acquires.length === 2);
  aborts[0].abort();
  const named = (name: string) => service.acquires.find(({ resource }) => resource === name);
  await until(() => named('r0')?.signal.aborted === true);
  t.false(named('r1')?.signal.aborted);
  aborts[1].abort();
  await Promise.allSettled(waiting);
});

test('closing tells waiting callers that the daemon stops', async (t) => {
  const { client, service, server } = await serve(t);
  service.onAcquire = waitForAbort;
  const acquiring = client.acquire({ resource: 'a', mode: 'EX', owner, waitMs: null });
  await until(() => service.acquires.length === 1);
  const [error] = await Promise.all([
    t.throwsAsync(acquiring, { instanceOf: RefusedError }),
    server.close(),
  ]);
  t.is(error.code, 'STOPPING');
  t.true(error.retryable);
});
