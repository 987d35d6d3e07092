import { connect } from 'node:net';
import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import test from 'ava';
import { ControlError } from '../../src/control/error.js';
import { EventTooLong, readEvents } from '../../src/control/event-stream.js';
import { EVENT_BYTES_MAX } from '../../src/control/limits.js';
import { parseReply } from '../../src/control/reply.js';
import {
  acquireReplySchema, acquireRequestSchema, errorReplySchema, eventSchema, locksReplySchema,
  releaseRequestSchema, statusSchema, stopRequestSchema,
} from '../../src/control/schema.js';
import { createRandom } from '../../src/embedded/index.js';
import { fuzz, inputs, mutated } from '../support/fuzz.js';
import { chooseSeed } from '../support/property-seed.js';
import { serve } from './fixture.js';

const ACQUIRE = '{"resource":"vm-1","mode":"EX","owner":{"kind":"process","pid":4711,"startTime":99},"waitMs":null}';
const RELEASE = '{"resource":"vm-1","owner":{"kind":"named","name":"vm-1"}}';
const ERROR = '{"error":{"code":"HELD","message":"no","retryable":true,"holders":[],"problems":[{"path":"a","message":"b"}]}}';

test('any JSON as a request is one that the schema allows, or is refused, never thrown over', (t) => {
  const seed = chooseSeed(t);
  const schemas = [acquireRequestSchema, releaseRequestSchema, stopRequestSchema];
  const samples = [ACQUIRE, RELEASE, '{"locks":"keep"}'].map((text) => Buffer.from(text));
  fuzz({ seed, samples, runs: 2_000 },
    (input) => {
      const value: unknown = JSON.parse(input.toString());
      return schemas.map((schema) => schema.safeParse(value));
    }, SyntaxError,
    (results) => {
      const acquire = results[0]?.data as { resource: string } | undefined;
      t.true(acquire === undefined || Buffer.byteLength(acquire.resource) <= 1024);
    });
});

test('any text as the daemon’s answer fails by ControlError alone', (t) => {
  const schemas =
    [statusSchema, acquireReplySchema, locksReplySchema, errorReplySchema, eventSchema];
  let turn = 0;
  const samples = [Buffer.from(ERROR), Buffer.from(ACQUIRE)];
  const { refused } = fuzz({ seed: chooseSeed(t), samples, runs: 1_500 },
    (input) => {
      turn += 1;
      return parseReply(input.toString(), schemas[turn % schemas.length] ?? statusSchema, '/run/x.sock');
    }, ControlError);
  t.true(refused > 0);
});

async function eventsOf(chunks: readonly Buffer[]): Promise<number> {
  let events = 0;
  const stream: unknown = Readable.from(chunks, { objectMode: false });
  for await (const { data } of readEvents(stream as IncomingMessage)) {
    events += 1;
    if (data.length > EVENT_BYTES_MAX * 2) throw new Error(`an event of ${data.length} characters`);
  }
  return events;
}

test('any bytes as a stream of events, torn anywhere, end or fail by EventTooLong', async (t) => {
  const seed = chooseSeed(t);
  const random = createRandom(seed);
  const sample = Buffer.from(': keep-alive\n\nevent: lock\ndata: {"a":1}\ndata: ü\n\nid: 1\n\ndata\n\n');
  for (const input of inputs({ seed, samples: [sample], runs: 400 })) {
    const cut = Math.floor(random() * input.length);
    await t.notThrowsAsync(eventsOf([input.subarray(0, cut), input.subarray(cut)]));
  }
  const endless = Array<Buffer>(20).fill(Buffer.alloc(8_192, 'x'));
  await t.throwsAsync(eventsOf(endless), { instanceOf: EventTooLong });
});

/** Sends these bytes as they are and waits until the server has closed, or nothing more comes. */
function knock(socketPath: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => socket.end(bytes));
    socket.on('data', () => undefined);
    // A reset is an answer, too: the server has hung up on nonsense.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}

test('whatever bytes knock at the control socket, the daemon goes on answering', async (t) => {
  const { socketPath, client } = await serve(t);
  const seed = chooseSeed(t);
  const random = createRandom(seed);
  const request = (path: string, body: string): Buffer => Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: holdfast\r\ncontent-type: application/json\r\n`
    + `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
  const samples = [request('/v1/acquire', ACQUIRE), request('/v1/release', RELEASE), request('/v1/stop', '{}')];
  const all = Array.from({ length: 160 }, (_, index) =>
    mutated(random, samples[index % 3] ?? Buffer.alloc(0)));
  for (const input of inputs({ seed, samples: [], runs: 40 })) all.push(input);
  for (let start = 0; start < all.length; start += 20) {
    await Promise.all(all.slice(start, start + 20).map((bytes) => knock(socketPath, bytes)));
  }
  t.is(typeof (await client.status()).version, 'string');
});
