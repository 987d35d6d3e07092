import { readFileSync } from 'node:fs';
import test from 'ava';
import { eachMessage, readFrame } from '../../../src/cpg/channel/frame.js';
import { abortFrame } from '../../../src/cpg/channel/splitter.js';
import { batchFrame, chunkFrames } from './frames.js';

const GOLDEN = JSON.parse(
  readFileSync(new URL('../../../../test/cpg/channel/golden.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, string>>;

const golden = (name: string): string => GOLDEN[name] ?? '';
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const text = (value: string): Uint8Array => Buffer.from(value);

function messagesOf(frame: Uint8Array): readonly string[] {
  const messages: string[] = [];
  eachMessage(frame, (message) => messages.push(Buffer.from(message).toString()) > 0);
  return messages;
}

test('the frames are those of docs/channel-format.md, byte for byte', (t) => {
  t.is(hex(batchFrame([text('one'), text(''), text('two!')], 7)), golden('batch'));
  const [first, second] = chunkFrames(text('abcdefgh'), { message: 3, sequence: 8, chunkBytes: 5 });
  t.is(hex(first ?? text('')), golden('chunk-first'));
  t.is(hex(second ?? text('')), golden('chunk-last'));
  t.is(hex(abortFrame(3, 0xffff_fffe)), golden('abort'));
});

test('every golden frame is read back as what it was made of', (t) => {
  const read = (name: string) => readFrame(Buffer.from(golden(name), 'hex'));
  const batch = read('batch');
  t.is(batch.kind, 'batch');
  if (batch.kind !== 'batch') return;
  t.is(batch.sequence, 7);
  t.deepEqual(messagesOf(batch.payload), ['one', '', 'two!']);
  const chunk = read('chunk-last');
  t.like(chunk, { kind: 'chunk', sequence: 9, chunk: { message: 3, totalBytes: 8, offset: 5 } });
  t.is(chunk.kind === 'chunk' ? Buffer.from(chunk.chunk.data).toString() : '', 'fgh');
  t.deepEqual(read('abort'), { kind: 'abort', sequence: 0xffff_fffe, message: 3 });
});

test('a kind of a newer member is unknown, not malformed', (t) => {
  const frame = batchFrame([text('x')], 5);
  frame[5] = 99;
  t.deepEqual(readFrame(frame), { kind: 'unknown', sequence: 5, number: 99 });
});

test('another program, another version and a broken frame are told apart', (t) => {
  const good = batchFrame([text('hello'), text('world')], 1);
  const reasonOf = (payload: Uint8Array) => {
    const frame = readFrame(payload);
    return frame.kind === 'foreign' ? frame.reason : frame.kind;
  };
  t.is(reasonOf(new Uint8Array(0)), 'magic');
  t.is(reasonOf(text('HFC')), 'magic');
  t.is(reasonOf(text('a C program')), 'magic');
  t.is(reasonOf(text('HFCH')), 'version');
  t.is(reasonOf(text('HFCH\u0002')), 'version');
  t.is(reasonOf(good.subarray(0, 12)), 'malformed');
  t.is(reasonOf(good.subarray(0, good.length - 1)), 'malformed');
  t.is(reasonOf(Buffer.concat([good, text('x')])), 'malformed');
  t.is(reasonOf(good), 'batch');
});

test('a batch whose lengths do not end where the frame ends is malformed as a whole', (t) => {
  const frame = batchFrame([text('hello'), text('world')], 1);
  for (const [offset, value] of [[16, 6], [16, 255], [19, 255], [25, 4], [25, 6]] as const) {
    const broken = Uint8Array.from(frame);
    broken[offset] = value;
    t.deepEqual(readFrame(broken), { kind: 'foreign', reason: 'malformed' });
  }
  const empty = batchFrame([], 1);
  t.deepEqual(readFrame(empty), { kind: 'foreign', reason: 'malformed' });
});

test('a chunk without data, or beyond what it announces, is malformed', (t) => {
  const [frame] = chunkFrames(text('abc'), { message: 1, sequence: 1, chunkBytes: 3 });
  const short = Uint8Array.from(frame ?? []);
  short[20] = 2;
  t.deepEqual(readFrame(short), { kind: 'foreign', reason: 'malformed' });
  const none = Uint8Array.from((frame ?? text('')).subarray(0, 28));
  none[12] = 12;
  t.deepEqual(readFrame(none), { kind: 'foreign', reason: 'malformed' });
});
