import test from 'ava';
import { setMaxListeners } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { CoordinatorEvent } from '../../src/coordinator/core/view.js';
import { ControlError, RefusedError } from '../../src/control/error.js';
import { WATCH_BUFFER_BYTES_MAX, WATCHERS_MAX } from '../../src/control/limits.js';
import { aLock, aNode } from './fake-service.js';
import { serve, until } from './fixture.js';

const AT = '2026-01-02T03:04:05.000Z';
const EVENTS: readonly CoordinatorEvent[] = [
  { at: AT, type: 'standing', standing: { kind: 'recovering', waitingFor: 'fencing of n2' } },
  { at: AT, type: 'node', node: aNode({ id: 2, name: 'n2', state: 'node-down' }) },
  { at: AT, type: 'lock', lock: aLock({ resource: 'eine Zeile\u2028é' }), gone: true },
];

test('every event arrives whole and in order, and aborting ends the stream quietly', async (t) => {
  const { client, service } = await serve(t);
  const abort = new AbortController();
  const seen: CoordinatorEvent[] = [];
  const watching = (async () => {
    for await (const event of client.watch(abort.signal)) {
      seen.push(event);
    }
  })();
  await until(() => service.listeners.size === 1);
  EVENTS.forEach((event) => service.emit(event));
  await until(() => seen.length === EVENTS.length);
  t.deepEqual(seen, EVENTS);
  abort.abort();
  await watching;
  await until(() => service.listeners.size === 0);
});

test('a watcher learns that the daemon stops', async (t) => {
  const { client, service, server } = await serve(t);
  const next = client.watch(new AbortController().signal).next();
  await until(() => service.listeners.size === 1);
  const [error] = await Promise.all([
    t.throwsAsync(next, { instanceOf: ControlError }),
    server.close(),
  ]);
  t.is(error.code, 'WATCH_ENDED');
  t.regex(error.message, /stops/);
  t.is(service.listeners.size, 0);
});

test('a client that does not read is dismissed with the reason, and counted', async (t) => {
  const { client, service, socketPath, log } = await serve(t);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({ socketPath, path: '/v1/watch', agent: false }, resolve);
    outgoing.once('error', reject);
    outgoing.end();
  });
  t.teardown(() => response.destroy());
  response.pause();
  const event = { at: AT, type: 'lock', lock: aLock({ resource: 'x'.repeat(1024) }), gone: false } as const;
  const needed = Math.ceil((8 * WATCH_BUFFER_BYTES_MAX) / 1024);
  for (let sent = 0; sent < needed && log.lines.length === 0; sent++) {
    service.emit(event);
    if (sent % 50 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const dropped = (await client.status()).counters['control.watchersDropped'];
  t.is(dropped, 1);
  t.true(log.lines.some(({ message }) => message.includes('did not keep up')));
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  response.resume();
  await until(() => text.includes('event: end'));
  t.regex(text, /event: end\ndata: \{"reason":"too-slow"/);
  await until(() => service.listeners.size === 0);
});

test('a slow client that never reads is cut off, and costs the others nothing', async (t) => {
  const { client, service, socketPath } = await serve(t);
  const outgoing = request({ socketPath, path: '/v1/watch', agent: false });
  outgoing.on('response', (response) => response.pause());
  outgoing.on('error', () => outgoing.destroy());
  outgoing.end();
  t.teardown(() => outgoing.destroy());
  const abort = new AbortController();
  let seen = 0;
  const watching = (async () => {
    for await (const event of client.watch(abort.signal)) {
      seen += event.type === 'lock' ? 1 : 0;
    }
  })();
  await until(() => service.listeners.size === 2);
  const event = { at: AT, type: 'lock', lock: aLock({ resource: 'x'.repeat(1024) }), gone: false } as const;
  let sent = 0;
  while (service.listeners.size === 2 && sent < 10_000) {
    service.emit(event);
    sent += 1;
    if (sent % 20 === 0) {
      await until(() => seen > sent - 60);
    }
  }
  await until(() => service.listeners.size === 1);
  t.is((await client.status()).counters['control.watchersDropped'], 1);
  await until(() => seen === sent);
  abort.abort();
  await watching;
});

test('there is a bound on watchers, and a free place can be taken again', async (t) => {
  const { client, service } = await serve(t);
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  const streams = Array.from({ length: WATCHERS_MAX }, () => client.watch(abort.signal).next());
  await until(() => service.listeners.size === WATCHERS_MAX);
  const error = await t.throwsAsync(client.watch(abort.signal).next(), {
    instanceOf: RefusedError,
  });
  t.is(error.code, 'LIMIT');
  abort.abort();
  await Promise.all(streams);
  await until(() => service.listeners.size === 0);
  const again = new AbortController();
  const next = client.watch(again.signal).next();
  await until(() => service.listeners.size === 1);
  again.abort();
  t.true((await next).done);
});
