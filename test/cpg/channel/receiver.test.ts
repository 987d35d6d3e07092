import test from 'ava';
import fc from 'fast-check';
import { Receiver } from '../../../src/cpg/channel/receiver.js';
import { abortFrame } from '../../../src/cpg/channel/splitter.js';
import { chooseSeed } from '../../support/property-seed.js';
import { PEER, SELF } from './fake-group.js';
import { batchFrame, chunkFrames } from './frames.js';

const LIMITS = { messageBytesMax: 1_000, assemblyBytesMax: 2_000, sendersMax: 3 };

function setUp() {
  const told: string[] = [];
  const receiver = new Receiver({
    message: (from, payload) => told.push(`${from.pid} ${Buffer.from(payload).toString()}`) > 0,
    rejected: (from, { reason }) => void told.push(`${from.pid} rejected ${reason}`),
    gap: (from, frames) => void told.push(`${from.pid} gap ${frames}`),
    foreign: (from, _payload, reason) => void told.push(`${from.pid} foreign ${reason}`),
  }, LIMITS);
  return { receiver, told };
}

const text = (value: string): Uint8Array => Buffer.from(value);
const cut = (value: string, message: number, sequence: number) =>
  chunkFrames(text(value), { message, sequence, chunkBytes: 2 });

test('a large message has the place of its last chunk', (t) => {
  const { receiver, told } = setUp();
  const [first, second] = cut('long', 1, 1);
  receiver.take(PEER, first ?? text(''));
  receiver.take(SELF, batchFrame([text('a'), text('b')], 1));
  receiver.take(PEER, second ?? text(''));
  t.deepEqual(told, ['100 a', '100 b', '200 long']);
});

test('frames that are missing are told as a gap, and with them the message they belonged to', (t) => {
  const { receiver, told } = setUp();
  const [first, , third] = cut('long..', 1, 1);
  receiver.take(PEER, first ?? text(''));
  receiver.take(PEER, third ?? text(''));
  receiver.take(PEER, batchFrame([text('next')], 4));
  t.deepEqual(told, ['200 gap 1', '200 rejected gap', '200 next']);
});

test('a frame that comes again is not taken again', (t) => {
  const { receiver, told } = setUp();
  receiver.take(PEER, batchFrame([text('x')], 4));
  receiver.take(PEER, batchFrame([text('x')], 4));
  t.deepEqual(told, ['200 x', '200 foreign repeated']);
});

test('a batch or an abort of the sender ends its message, and gives its memory back', (t) => {
  const { receiver, told } = setUp();
  receiver.take(PEER, cut('long', 1, 1)[0] ?? text(''));
  receiver.take(PEER, batchFrame([text('x')], 2));
  receiver.take(PEER, cut('long', 2, 3)[0] ?? text(''));
  t.is(receiver.bytes, 4);
  receiver.take(PEER, abortFrame(2, 4));
  t.is(receiver.bytes, 0);
  t.deepEqual(told, ['200 rejected superseded', '200 x', '200 rejected aborted']);
});

test('an unknown kind is told, and counts in the sequence of its sender', (t) => {
  const { receiver, told } = setUp();
  const newer = batchFrame([text('x')], 1);
  newer[5] = 42;
  receiver.take(PEER, newer);
  receiver.take(PEER, batchFrame([text('y')], 2));
  t.deepEqual(told, ['200 foreign kind', '200 y']);
});

test('a view ends the messages of those who left, also if they are back in the same view', (t) => {
  for (const members of [[SELF], [SELF, PEER]]) {
    const { receiver, told } = setUp();
    const [first, second] = cut('long', 1, 1);
    receiver.take(PEER, first ?? text(''));
    receiver.changeView({ members, left: [{ ...PEER, reason: 'nodedown' }], joined: [] });
    t.is(receiver.bytes, 0);
    receiver.take(PEER, second ?? text(''));
    t.deepEqual(told, ['200 rejected left', '200 rejected no-start']);
  }
});

test('a view about others ends nothing', (t) => {
  const { receiver, told } = setUp();
  const [first, second] = cut('long', 1, 1);
  receiver.take(PEER, first ?? text(''));
  receiver.changeView({ members: [PEER], left: [{ ...SELF, reason: 'leave' }], joined: [] });
  receiver.take(PEER, second ?? text(''));
  t.deepEqual(told, ['200 long']);
});

test('frames that a member sent while its node was away are told as a gap', (t) => {
  const { receiver, told } = setUp();
  const down = { members: [SELF], left: [{ ...PEER, reason: 'nodedown' as const }], joined: [] };
  const up = { members: [SELF, PEER], left: [], joined: [{ ...PEER, reason: 'nodeup' as const }] };
  receiver.take(PEER, batchFrame([text('a')], 1));
  receiver.changeView(down);
  receiver.changeView(up);
  receiver.take(PEER, batchFrame([text('d')], 4));
  t.deepEqual(told, ['200 a', '200 gap 2', '200 d']);
});

test('a member that left and joined anew begins a row of its own', (t) => {
  for (const reason of ['leave', 'procdown'] as const) {
    const { receiver, told } = setUp();
    receiver.take(PEER, batchFrame([text('a')], 1));
    receiver.changeView({ members: [SELF], left: [{ ...PEER, reason }], joined: [] });
    const joined = [{ ...PEER, reason: 'join' as const }];
    receiver.changeView({ members: [SELF, PEER], left: [], joined });
    receiver.take(PEER, batchFrame([text('d')], 4));
    t.deepEqual(told, ['200 a', '200 d']);
  }
});

test('a process that joins under the number of one whose node went begins a row of its own', (t) => {
  const { receiver, told } = setUp();
  receiver.take(PEER, batchFrame([text('a')], 3));
  const left = [{ ...PEER, reason: 'nodedown' as const }];
  receiver.changeView({ members: [SELF], left, joined: [] });
  const joined = [{ ...PEER, reason: 'join' as const }];
  receiver.changeView({ members: [SELF, PEER], left: [], joined });
  receiver.take(PEER, batchFrame([text('d')], 7));
  t.deepEqual(told, ['200 a', '200 d']);
});

test('nobody is told more of a batch once nothing more is wanted', (t) => {
  const told: string[] = [];
  const ignore = (): void => undefined;
  const receiver = new Receiver({
    message: (_from, payload) => told.push(Buffer.from(payload).toString()) < 2,
    rejected: ignore, gap: ignore, foreign: ignore,
  }, LIMITS);
  receiver.take(PEER, batchFrame(['a', 'b', 'c', 'd'].map(text), 1));
  t.deepEqual(told, ['a', 'b']);
});

/** Whole frames, and what a fault or another program may make of them. */
function anyPayload(): fc.Arbitrary<Uint8Array> {
  const batch = fc.tuple(
    fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 }), fc.nat(50),
  ).map(([messages, sequence]) => batchFrame(messages, sequence));
  const chunk = fc.record({
    payload: fc.uint8Array({ minLength: 1, maxLength: 1_200 }), pick: fc.nat(40),
    message: fc.integer({ min: 1, max: 3 }), sequence: fc.nat(50),
  }).map(({ payload, pick, message, sequence }) => {
    const frames = chunkFrames(payload, { message, sequence, chunkBytes: 50 });
    return frames[pick % frames.length] ?? new Uint8Array(0);
  });
  const abort = fc.tuple(fc.nat(3), fc.nat(50)).map(([number, seq]) => abortFrame(number, seq));
  const whole = fc.oneof(batch, chunk, abort);
  const flipped = fc.tuple(whole, fc.nat(), fc.nat(7)).map(([frame, at, bit]) => {
    const index = at % frame.length;
    frame[index] = (frame[index] ?? 0) ^ (1 << bit);
    return frame;
  });
  const truncated = fc.tuple(whole, fc.nat()).map(([frame, at]) =>
    frame.subarray(0, at % frame.length));
  const huge = fc.tuple(chunk, fc.nat(0xffff)).map(([frame, high]) => {
    frame[22] = high & 0xff;
    frame[23] = high >> 8;
    return frame;
  });
  const magic = fc.uint8Array({ maxLength: 60 }).map((tail) =>
    Buffer.concat([text('HFCH\u0001'), tail]));
  return fc.oneof(whole, flipped, truncated, huge, magic, fc.uint8Array({ maxLength: 80 }));
}

test('property: nothing that arrives makes it throw, or take more memory than its bound', (t) => {
  const steps = fc.array(fc.tuple(anyPayload(), fc.nat(5), fc.nat(9)), { maxLength: 120 });
  const run = fc.property(steps, (arrivals) => {
    const { receiver } = setUp();
    for (const [payload, pid, dice] of arrivals) {
      const from = { nodeId: 1, pid };
      receiver.take(from, payload);
      if (receiver.bytes > LIMITS.assemblyBytesMax) return false;
      if (dice > 0) continue;
      const left = [{ ...from, reason: 'procdown' as const }];
      receiver.changeView({ members: [], left, joined: [] });
    }
    receiver.disconnect();
    return receiver.bytes === 0;
  });
  fc.assert(run, { seed: chooseSeed(t), numRuns: 300 });
  t.pass();
});
