import test from 'ava';
import fc from 'fast-check';
import { Assembler, type Rejection } from '../../../src/cpg/channel/assembler.js';
import type { Chunk } from '../../../src/cpg/channel/frame.js';
import type { Member } from '../../../src/cpg/index.js';
import { chooseSeed } from '../../support/property-seed.js';
import { PEER, SELF } from './fake-group.js';

const LIMITS = { messageBytesMax: 100, assemblyBytesMax: 150, sendersMax: 4 };

function setUp(limits = LIMITS) {
  const rejected: (Rejection & { from: Member })[] = [];
  const assembler = new Assembler(limits, (from, rejection) =>
    void rejected.push({ from, ...rejection }));
  return { assembler, rejected, reasons: () => rejected.map(({ reason }) => reason) };
}

function chunk(message: number, totalBytes: number, offset: number, bytes: number): Chunk {
  const data = Uint8Array.from({ length: bytes }, (_, index) => offset + index);
  return { message, totalBytes, offset, data };
}

test('a message is handed over with its last chunk, and its memory is given back', (t) => {
  const { assembler, rejected } = setUp();
  t.is(assembler.take(PEER, chunk(1, 10, 0, 4)), null);
  t.is(assembler.bytes, 10);
  t.is(assembler.take(PEER, chunk(1, 10, 4, 4)), null);
  const message = assembler.take(PEER, chunk(1, 10, 8, 2));
  t.deepEqual([...(message ?? [])], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  t.is(assembler.bytes, 0);
  t.is(assembler.senders, 0);
  t.deepEqual(rejected, []);
});

test('a chunk that is missing, repeated or of another length ends the message, told once', (t) => {
  for (const [next, reason] of [
    [chunk(1, 10, 5, 4), 'gap'], [chunk(1, 10, 2, 4), 'duplicate'], [chunk(1, 11, 4, 4), 'gap'],
  ] as const) {
    const { assembler, rejected } = setUp();
    assembler.take(PEER, chunk(1, 10, 0, 4));
    t.is(assembler.take(PEER, next), null);
    t.is(assembler.take(PEER, chunk(1, 10, 4, 6)), null);
    t.deepEqual(rejected, [{ from: PEER, reason, totalBytes: 10, receivedBytes: 4 }]);
    t.is(assembler.bytes, 0);
    assembler.take(PEER, chunk(2, 3, 0, 2));
    t.is(assembler.take(PEER, chunk(2, 3, 2, 1))?.length, 3);
  }
});

test('a message whose beginning was not seen is told once, and the next one is taken', (t) => {
  const { assembler, reasons } = setUp();
  for (const offset of [4, 6, 8]) assembler.take(PEER, chunk(1, 10, offset, 2));
  t.deepEqual(reasons(), ['no-start']);
  t.is(assembler.take(PEER, chunk(2, 2, 0, 2))?.length, 2);
});

test('another message of the same sender supersedes the one under way', (t) => {
  const { assembler, reasons } = setUp();
  assembler.take(PEER, chunk(1, 10, 0, 4));
  t.is(assembler.take(PEER, chunk(2, 3, 0, 3))?.length, 3);
  t.deepEqual(reasons(), ['superseded']);
  t.is(assembler.bytes, 0);
});

test('an abort ends the message that it names, and no other of the same sender', (t) => {
  const { assembler, reasons } = setUp();
  assembler.take(PEER, chunk(2, 4, 0, 2));
  assembler.abort(PEER, 1);
  t.deepEqual(reasons(), []);
  t.is(assembler.take(PEER, chunk(2, 4, 2, 2))?.length, 4);
  assembler.take(PEER, chunk(3, 4, 0, 2));
  assembler.abort(PEER, 3);
  t.deepEqual(reasons(), ['aborted']);
  t.is(assembler.bytes, 0);
});

test('more than a message may have, or than all may have together, is refused at its start', (t) => {
  const { assembler, rejected, reasons } = setUp();
  assembler.take(PEER, chunk(1, 101, 0, 1));
  assembler.take(PEER, chunk(1, 101, 1, 100));
  t.deepEqual(rejected, [{ from: PEER, reason: 'too-big', totalBytes: 101, receivedBytes: 0 }]);
  assembler.take(PEER, chunk(2, 100, 0, 1));
  assembler.take(SELF, chunk(1, 51, 0, 1));
  t.deepEqual(reasons(), ['too-big', 'memory']);
  t.is(assembler.bytes, 100);
  assembler.drop(PEER, 'aborted');
  t.is(assembler.bytes, 0);
  t.is(assembler.take(SELF, chunk(2, 51, 0, 51))?.length, 51);
});

test('no more senders than the bound are kept', (t) => {
  const { assembler, reasons } = setUp();
  for (let pid = 1; pid <= 10; pid += 1) assembler.take({ nodeId: 1, pid }, chunk(1, 10, 0, 1));
  t.is(assembler.senders, 4);
  t.is(assembler.bytes, 40);
  t.deepEqual(reasons(), Array.from({ length: 6 }, () => 'memory'));
});

test('property: messages of many senders, cut and interleaved in any way, arrive whole', (t) => {
  const sender = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 4 });
  const run = fc.property(
    fc.array(sender, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 20 }),
    fc.infiniteStream(fc.nat(1 << 20)),
    (senders, chunkBytes, choices) => {
      const limits = { messageBytesMax: 60, assemblyBytesMax: 240, sendersMax: 4 };
      const { assembler, rejected } = setUp(limits);
      const queues = senders.map((messages) => messages.flatMap((payload, index) => {
        const chunks: Chunk[] = [];
        for (let offset = 0; offset < payload.length; offset += chunkBytes) {
          const data = payload.subarray(offset, offset + chunkBytes);
          chunks.push({ message: index, totalBytes: payload.length, offset, data });
        }
        return chunks;
      }));
      const arrived: Uint8Array[][] = senders.map(() => []);
      for (;;) {
        const open = queues.flatMap((queue, index) => (queue.length > 0 ? [index] : []));
        const choice: number = choices.next().value as number;
        const index = open[choice % open.length];
        if (index === undefined) break;
        const next = queues[index]?.shift();
        if (next === undefined) break;
        const message = assembler.take({ nodeId: index, pid: 1 }, next);
        if (message !== null) arrived[index]?.push(message);
      }
      t.deepEqual(rejected, []);
      t.is(assembler.bytes, 0);
      const plain = (lists: readonly (readonly Uint8Array[])[]) =>
        lists.map((messages) => messages.map((message) => [...message]));
      t.deepEqual(plain(arrived), plain(senders));
    },
  );
  fc.assert(run, { seed: chooseSeed(t) });
  t.pass();
});

test('property: whatever chunks come, memory stays within its bound and comes back', (t) => {
  const any = fc.record({
    pid: fc.integer({ min: 1, max: 6 }), message: fc.integer({ min: 1, max: 3 }),
    totalBytes: fc.integer({ min: 1, max: 160 }), offset: fc.nat(160),
    bytes: fc.integer({ min: 1, max: 60 }), drop: fc.boolean(),
  });
  const run = fc.property(fc.array(any, { maxLength: 200 }), (steps) => {
    const { assembler } = setUp();
    for (const { pid, message, totalBytes, offset, bytes, drop } of steps) {
      const from = { nodeId: 1, pid };
      // As `readFrame` guarantees it.
      if (offset + bytes <= totalBytes) {
        assembler.take(from, chunk(message, totalBytes, offset, bytes));
      } else if (drop) assembler.drop(from, 'left');
      if (assembler.bytes > LIMITS.assemblyBytesMax || assembler.senders > 4) return false;
    }
    assembler.dropWhere(() => true, 'left');
    return assembler.bytes === 0 && assembler.senders === 0;
  });
  fc.assert(run, { seed: chooseSeed(t) });
  t.pass();
});
