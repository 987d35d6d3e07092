import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ChildLoop } from '../../../src/dlm/child/child-loop.js';
import { decodeReply, decodeRequest, encodeReply, encodeRequest } from '../../../src/dlm/encoding.js';
import { FrameSocket } from '../../../src/dlm/frame-socket.js';
import { loadLibC, type LibC } from '../../../src/dlm/libc.js';
import type { Reply, Request } from '../../../src/dlm/protocol.js';

/** More than a socket of any size holds. */
const REPLIES = 50_000;
const FULL_MS = 300;
/** The loop tries every ms at most; one that spins, some fifty times. */
const TRIES_PER_MS_MAX = 4;
const PATIENCE_MS = 20_000;

/** The loop with a parent that reads only when told to, and a device that stays silent. */
function setUp(t: ExecutionContext) {
  const real = loadLibC();
  const calls = { send: 0, poll: 0 };
  const libc: LibC = {
    ...real,
    send: (...args) => {
      calls.send += 1;
      return real.send(...args);
    },
    poll: (...args) => {
      calls.poll += 1;
      return real.poll(...args);
    },
  };
  const [socketFd, parentFd] = pair(real);
  const [deviceFd, kernelFd] = pair(real);
  const seen: number[] = [];
  const socket = new FrameSocket<Reply, Request>({
    libc, fd: socketFd, encode: encodeReply, decode: decodeRequest, onMessage: () => undefined,
  });
  const parent = new FrameSocket<Request, Reply>({
    libc: real, fd: parentFd, encode: encodeRequest, decode: decodeReply,
    onMessage: (reply) => {
      if ('op' in reply) seen.push(reply.op);
    },
  });
  const faults: unknown[] = [];
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const loop: ChildLoop = new ChildLoop({
    libc, socket, socketFd, onFault: (fault) => faults.push(fault),
    onEnd: () => {
      loop.unwatch();
      end();
    },
  });
  loop.watch({ fd: deviceFd, drain: () => undefined });
  t.teardown(async () => {
    real.close(parentFd);
    await ended;
    for (const fd of [socketFd, deviceFd, kernelFd]) real.close(fd);
  });
  const flood = (): void => {
    for (let op = 0; op < REPLIES; op += 1) socket.add({ kind: 'done', op });
    loop.flushSoon();
  };
  const readAll = async (): Promise<void> => {
    const endMs = performance.now() + PATIENCE_MS;
    while (seen.length < REPLIES && performance.now() < endMs) {
      while (parent.receive());
      await delay(1);
    }
  };
  return { loop, calls, seen, faults, flood, readAll };
}

function pair(libc: LibC): readonly [number, number] {
  const fds = libc.socketPair();
  if (fds === null) throw new Error(`no socket pair: errno ${libc.errno()}`);
  return fds;
}

for (const timed of [false, true]) {
  const title = timed ? 'while a timer runs' : 'while nothing else is to be done';
  // One after the other: the loop blocks the thread that they share.
  test.serial(`a parent that does not read costs no spinning and no reply ${title}`, async (t) => {
    const { loop, calls, seen, faults, flood, readAll } = setUp(t);
    let fired = false;
    flood();
    if (timed) {
      loop.later(FULL_MS, () => {
        fired = true;
      });
    }
    const startedMs = performance.now();
    await delay(FULL_MS);
    const tries = calls.send + calls.poll;
    const triesMax = (performance.now() - startedMs) * TRIES_PER_MS_MAX;
    t.true(calls.send > 1, 'it does try again');
    t.true(tries < triesMax, `${calls.send} sends, ${calls.poll} polls`);
    await readAll();
    t.is(fired, timed);
    t.deepEqual(seen, Array.from({ length: REPLIES }, (_, op) => op));
    t.deepEqual(faults, []);
  });
}
