import test from 'ava';
import {
  decodeReply, decodeRequest, encodeReply, encodeRequest, MESSAGE_BYTES_MAX,
} from '../../src/dlm/encoding.js';
import {
  encodeFrames, FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FRAME_MESSAGES_MAX, FRAME_VERSION,
  FrameDecoder, FrameError, FrameWriter,
} from '../../src/dlm/frame.js';
import type { Reply, Request } from '../../src/dlm/protocol.js';
import { TEXT_BYTES_MAX } from '../../src/dlm/wire-bytes.js';
import { chooseSeed } from '../support/property-seed.js';
import { chance, randomOf } from './random.js';

const PINGS: readonly Request[] = [{ kind: 'ping', op: 1 }, { kind: 'versions', op: 2 }];
const TAKE: Request = {
  kind: 'take', op: 0x1_0000_0002, id: 3, resource: 'vm ü', mode: 'EX', wait: true,
  persistent: true, flags: 0x400,
};

function decoded(bytes: Buffer, cuts: readonly number[] = []): Request[] {
  const decoder = new FrameDecoder(decodeRequest);
  const seen: Request[] = [];
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    decoder.push(bytes.subarray(start, cut), (message) => seen.push(message));
    start = cut;
  }
  return seen;
}

function header(length: number, version: number, count: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  bytes.writeUInt32LE(length);
  bytes.writeUInt16LE(version, 4);
  bytes.writeUInt16LE(count, 6);
  return bytes;
}

test('a frame has the bytes that the format says', (t) => {
  t.is(encodeFrames([TAKE, ...PINGS], encodeRequest).toString('hex'), [
    '29000000', '0148', '0300',
    '01', '1d', '020000000100', '030000000000', '00040000', '0500', '766d20c3bc',
    '0a', '00', '010000000000',
    '08', '00', '020000000000',
  ].join(''));
});

test('replies have the bytes that the format says', (t) => {
  const replies: Reply[] = [
    { kind: 'done', op: 7 },
    { kind: 'failed', op: 8, failure: {
      code: 'WOULD_BLOCK', operation: 'take', message: 'm', status: 11, retryable: true,
    } },
    { kind: 'blocking', id: 9, mode: 'PR' },
  ];
  t.is(encodeFrames(replies, encodeReply).toString('hex'), [
    '32000000', '0148', '0300',
    '01', '00', '070000000000',
    '04', 'c0', '080000000000', '0b000000', '0b00', '574f554c445f424c4f434b',
    '0400', '74616b65', '0100', '6d',
    '05', '03', '090000000000',
  ].join(''));
});

test('no messages make no frame', (t) => {
  t.is(encodeFrames([], encodeRequest).length, 0);
});

test('frames torn at every byte come out whole and in order', (t) => {
  const bytes = Buffer.concat([
    encodeFrames([TAKE, ...PINGS], encodeRequest), encodeFrames([TAKE], encodeRequest),
  ]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    t.deepEqual(decoded(bytes, [cut]), [TAKE, ...PINGS, TAKE]);
  }
});

test('frames that arrive byte by byte come out whole', (t) => {
  const bytes = encodeFrames([TAKE, ...PINGS, TAKE], encodeRequest);
  t.deepEqual(decoded(bytes, [...bytes.keys()]), [TAKE, ...PINGS, TAKE]);
});

test('a long batch is spread over frames within the bounds', (t) => {
  const many = Array.from({ length: FRAME_MESSAGES_MAX * 2 + 1 }, (_, op): Request =>
    ({ ...TAKE, op, resource: 'x'.repeat(64) }));
  t.deepEqual(decoded(encodeFrames(many, encodeRequest)), many);
});

test('the longest messages fit, and a longer text is cut and not refused', (t) => {
  const message = 'ü'.repeat(TEXT_BYTES_MAX);
  const replies = Array.from({ length: 40 }, (_, op): Reply => ({
    kind: 'failed', op,
    failure: { code: 'KERNEL', operation: message, message, status: null, retryable: false },
  }));
  const seen: Reply[] = [];
  new FrameDecoder(decodeReply).push(encodeFrames(replies, encodeReply), (reply) => {
    seen.push(reply);
  });
  t.is(seen.length, 40);
  const [first] = seen;
  t.is(first?.kind === 'failed' ? first.failure.message : '', 'ü'.repeat(TEXT_BYTES_MAX / 2));
});

test('a writer without room says so, and has room again when its bytes were taken', (t) => {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + FRAME_BYTES_MAX + MESSAGE_BYTES_MAX);
  const writer = new FrameWriter(bytes, encodeRequest);
  const sent: Buffer[] = [];
  const added: Request[] = [];
  for (let op = 0; op < 6_000; op += 1) {
    const message: Request = { ...TAKE, op };
    while (!writer.add(message)) {
      // Like a socket that takes a part only.
      const length = Math.min(writer.pending(), 1_000);
      t.true(length > 0);
      sent.push(Buffer.from(bytes.subarray(writer.start, writer.start + length)));
      writer.take(length);
    }
    added.push(message);
  }
  const length = writer.pending();
  sent.push(Buffer.from(bytes.subarray(writer.start, writer.start + length)));
  t.deepEqual(decoded(Buffer.concat(sent)), added);
});

for (const [title, bytes] of [
  ['a body beyond the bound', header(FRAME_BYTES_MAX + 1, FRAME_VERSION, 1)],
  ['another version', header(8, FRAME_VERSION + 1, 1)],
  ['no messages', header(8, FRAME_VERSION, 0)],
  ['too many messages', header(FRAME_BYTES_MAX, FRAME_VERSION, FRAME_MESSAGES_MAX + 1)],
  ['more messages than its body can hold', header(8, FRAME_VERSION, 2)],
] as const) {
  test(`a header that announces ${title} is refused before its body is awaited`, (t) => {
    t.throws(() => decoded(bytes), { instanceOf: FrameError });
    t.throws(() => decoded(bytes, [3, 5]), { instanceOf: FrameError });
  });
}

for (const [title, body] of [
  ['an unknown kind', '6300010000000000'],
  ['unknown bits', '0a01010000000000'],
  ['a mode that does not exist', '0106010000000000030000000000000000000000'],
  ['a text that is cut off', '01050100000000000300000000000000000005007878'],
  ['a text beyond the bound', '010501000000000003000000000000000000ffff'],
  ['bytes after its last message', '0a0001000000000000'],
] as const) {
  test(`a frame with ${title} is refused`, (t) => {
    const bytes = Buffer.from(body, 'hex');
    const frame = Buffer.concat([header(bytes.length, FRAME_VERSION, 1), bytes]);
    t.throws(() => decoded(frame), { instanceOf: FrameError });
  });
}

test('whatever arrives, nothing but a FrameError is thrown and little is kept', (t) => {
  const seed = chooseSeed(t);
  const random = randomOf(seed);
  const good = encodeFrames([TAKE, ...PINGS, TAKE], encodeRequest);
  for (let round = 0; round < 4_000; round += 1) {
    const bytes = Buffer.concat([good, good]);
    for (let flip = chance(random, 6); flip >= 0; flip -= 1) {
      bytes[chance(random, bytes.length)] = chance(random, 256);
    }
    for (const decode of [decodeRequest, decodeReply]) {
      const decoder = new FrameDecoder<Request | Reply>(decode);
      let messages = 0;
      try {
        for (let start = 0; start < bytes.length;) {
          const end = Math.min(bytes.length, start + 1 + chance(random, 60));
          decoder.push(bytes.subarray(start, end), () => { messages += 1; });
          start = end;
        }
      } catch (fault) {
        if (!(fault instanceof FrameError)) {
          t.fail(`seed ${seed}, round ${round}: ${String(fault)}`);
        }
      }
      t.true(messages <= 8 && decoder.restBytes <= FRAME_HEADER_BYTES + FRAME_BYTES_MAX);
    }
  }
});

test('random messages come out as they went in', (t) => {
  const seed = chooseSeed(t);
  const random = randomOf(seed);
  const many = Array.from({ length: 3_000 }, () => randomRequest(random));
  const bytes = encodeFrames(many, encodeRequest);
  const cuts = Array.from({ length: 200 }, () => chance(random, bytes.length));
  cuts.sort((a, b) => a - b);
  t.deepEqual(decoded(bytes, cuts), many);
});

function randomRequest(random: () => number): Request {
  const op = Math.floor(random() * 2 ** 48);
  const id = Math.floor(random() * 2 ** 48);
  const flags = Math.floor(random() * 2 ** 32);
  const mode = (['NL', 'CR', 'CW', 'PR', 'PW', 'EX'] as const)[chance(random, 6)] ?? 'NL';
  const wait = random() < 0.5;
  const value = random() < 0.5 ? null : Uint8Array.from({ length: 32 }, () => chance(random, 256));
  const resource = String.fromCodePoint(
    ...Array.from({ length: 1 + chance(random, 30) }, () => 0x20 + chance(random, 0x2000)),
  );
  const all: readonly Request[] = [
    { kind: 'open', op, lockspace: resource, flags, exclusive: wait },
    { kind: 'take', op, id, resource, mode, wait, persistent: random() < 0.5, flags },
    { kind: 'convert', op, id, mode, wait, flags, value },
    { kind: 'cancel', op, id },
    { kind: 'deadlock-cancel', op, id },
    { kind: 'unlock', op, id, flags, value },
    { kind: 'adopt', op, id, resource, mode },
    { kind: 'purge', op, nodeId: flags, pid: flags },
    { kind: 'versions', op },
    { kind: 'release', op, force: 2 },
    { kind: 'ping', op },
  ];
  return all[chance(random, all.length)] ?? TAKE;
}
