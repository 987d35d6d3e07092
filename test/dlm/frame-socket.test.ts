import test, { type ExecutionContext } from 'ava';
import { decodeRequest, encodeRequest } from '../../src/dlm/encoding.js';
import { FrameError } from '../../src/dlm/frame.js';
import { FrameSocket } from '../../src/dlm/frame-socket.js';
import { loadLibC } from '../../src/dlm/libc.js';
import type { Request } from '../../src/dlm/protocol.js';

const libc = loadLibC();

/** Two ends of one connection; what the second one receives is noted. */
function setUp(t: ExecutionContext) {
  const fds = libc.socketPair();
  if (fds === null) throw new Error(`no socket pair: errno ${libc.errno()}`);
  const open = new Set<number>(fds);
  const close = (fd: number): void => {
    if (open.delete(fd)) libc.close(fd);
  };
  t.teardown(() => fds.forEach(close));
  const seen: Request[] = [];
  const [sender, receiver] = fds.map((fd) => new FrameSocket<Request, Request>({
    libc, fd, encode: encodeRequest, decode: decodeRequest, onMessage: (message) => {
      seen.push(message);
    },
  })) as [FrameSocket<Request, Request>, FrameSocket<Request, Request>];
  return { sender, receiver, seen, fds, close };
}

function take(op: number): Request {
  return {
    kind: 'take', op, id: op, resource: 'x'.repeat(64), mode: 'EX', wait: true, persistent: true,
    flags: 0,
  };
}

test('what was added is sent by flush, in order and at once', (t) => {
  const { sender, receiver, seen } = setUp(t);
  sender.add(take(1));
  sender.add(take(2));
  t.false(receiver.receive());
  t.deepEqual(seen, []);
  t.true(sender.flush());
  t.false(receiver.receive());
  t.deepEqual(seen.map(({ op }) => op), [1, 2]);
});

test('a peer that does not read delays messages and loses none', (t) => {
  const { sender, receiver, seen } = setUp(t);
  const count = 20_000;
  for (let op = 0; op < count; op += 1) {
    sender.add(take(op));
  }
  t.false(sender.flush(), 'more than a socket holds');
  t.true(sender.overflowCount > 0, 'and more than the buffer before it');
  for (let rounds = 0; rounds < 10_000 && seen.length < count; rounds += 1) {
    receiver.receive();
    sender.flush();
  }
  t.deepEqual(seen.map(({ op }) => op), Array.from({ length: count }, (_, op) => op));
  t.is(sender.overflowCount, 0);
  t.true(sender.flush());
});

test('the end of the peer is seen after its last whole message', (t) => {
  const { sender, receiver, seen, fds, close } = setUp(t);
  sender.add(take(1));
  sender.flush();
  // The peer dies in the middle of a frame.
  libc.send(fds[0], Buffer.from([20, 0, 0, 0, 1]), 5, 0);
  close(fds[0]);
  receiver.receive();
  t.false(receiver.ended);
  t.false(receiver.receive());
  t.true(receiver.ended);
  t.deepEqual(seen.map(({ op }) => op), [1]);
  t.false(receiver.receive());
});

test('what is sent to a peer that is gone is dropped', (t) => {
  const { sender, fds, close } = setUp(t);
  close(fds[1]);
  sender.add(take(1));
  t.true(sender.flush());
  t.true(sender.ended);
  sender.add(take(2));
  t.true(sender.flush());
});

test('bytes that are no frame are a FrameError', (t) => {
  const { receiver, fds } = setUp(t);
  const bytes = Buffer.from('this is no frame at all');
  libc.send(fds[0], bytes, bytes.length, 0);
  t.throws(() => receiver.receive(), { instanceOf: FrameError });
});
