import test from 'ava';
import {
  encodeFrames, FRAME_BYTES_MAX, FRAME_MESSAGES_MAX, FrameDecoder, FrameError,
} from '../../src/dlm/frame.js';

const MESSAGES = [{ op: 1, text: 'a' }, { op: 2, text: 'ünï "quoted"\n' }, { op: 3 }];

test('messages come out as they went in', (t) => {
  t.deepEqual(new FrameDecoder().push(encodeFrames(MESSAGES)), MESSAGES);
});

test('no messages make no frame', (t) => {
  t.is(encodeFrames([]).length, 0);
});

test('frames torn at every byte come out whole and in order', (t) => {
  const bytes = Buffer.concat([encodeFrames(MESSAGES), encodeFrames([{ op: 4 }])]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const decoder = new FrameDecoder();
    const first = decoder.push(bytes.subarray(0, cut));
    t.deepEqual([...first, ...decoder.push(bytes.subarray(cut))], [...MESSAGES, { op: 4 }]);
  }
});

test('frames that arrive byte by byte come out whole', (t) => {
  const decoder = new FrameDecoder();
  const seen: unknown[] = [];
  for (const byte of encodeFrames(MESSAGES)) {
    seen.push(...decoder.push(Buffer.from([byte])));
  }
  t.deepEqual(seen, MESSAGES);
});

test('a long batch is spread over frames within the bound', (t) => {
  const many = Array.from({ length: FRAME_MESSAGES_MAX * 2 + 1 }, (_, op) => ({ op }));
  t.deepEqual(new FrameDecoder().push(encodeFrames(many)), many);
});

test('a batch of the longest names fits into its frames', (t) => {
  const resource = '\u0001'.repeat(64);
  const many = Array.from({ length: FRAME_MESSAGES_MAX }, (_, op) => ({ op, resource }));
  t.is(new FrameDecoder().push(encodeFrames(many)).length, FRAME_MESSAGES_MAX);
});

test('an announced length beyond the bound is refused before its body is awaited', (t) => {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(FRAME_BYTES_MAX + 1);
  t.throws(() => new FrameDecoder().push(header), { instanceOf: FrameError });
});

test('a message too big for a frame is refused by the sender', (t) => {
  t.throws(() => encodeFrames([{ text: 'x'.repeat(FRAME_BYTES_MAX) }]), { instanceOf: FrameError });
});

for (const [title, body] of [
  ['text that is not JSON', '{not json'],
  ['JSON that is no array', '{"op":1}'],
  ['more messages than a frame may hold', JSON.stringify(Array(FRAME_MESSAGES_MAX + 1).fill(0))],
] as const) {
  test(`a body with ${title} is refused`, (t) => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(body.length);
    const frame = Buffer.concat([header, Buffer.from(body)]);
    t.throws(() => new FrameDecoder().push(frame), { instanceOf: FrameError });
  });
}
