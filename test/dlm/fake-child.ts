/**
 * A child for the tests: it speaks the frames like the real one, but its lockspace is a wish of
 * the resource's name. `ok…` is granted, `refuse…` refused, `wait…` queued until cancelled,
 * `thrice` is told of three that it blocks in one frame, `hang` is never answered, `die` ends the
 * child, `garbage` breaks the frames, `torn` ends it in the middle of a frame, `log` writes to
 * stderr.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { decodeRequest, encodeReply } from '../../src/dlm/encoding.js';
import { encodeFrames, FrameDecoder } from '../../src/dlm/frame.js';
import type { Reply, Request } from '../../src/dlm/protocol.js';

const SOCKET_FD = 3;
const decoder = new FrameDecoder(decodeRequest);
const waiting = new Map<number, number>();
const deaf = process.argv.includes('deaf');
const socket = new Socket({ fd: SOCKET_FD });

if (process.argv.includes('slow')) {
  // Long enough for the socket to fill.
  socket.pause();
  setTimeout(() => socket.resume(), 200);
}
socket.on('data', (chunk) => decoder.push(chunk, answer));
socket.on('end', () => process.exit(0));

function answer(request: Request): void {
  switch (request.kind) {
    case 'open':
      return request.lockspace === 'nokernel'
        ? fail(request.op, 'NO_KERNEL')
        : reply({ kind: 'done', op: request.op });
    case 'ping':
      return deaf ? undefined : reply({ kind: 'done', op: request.op });
    case 'take':
      return take(request);
    case 'cancel': {
      const op = waiting.get(request.id);
      reply({ kind: 'done', op: request.op });
      return op === undefined ? undefined : fail(op, 'CANCELED');
    }
    default:
      return reply({ kind: 'done', op: request.op });
  }
}

function take({ op, id, resource }: Extract<Request, { kind: 'take' }>): void {
  if (resource.startsWith('wait')) {
    waiting.set(id, op);
    reply({ kind: 'queued', op });
  } else if (resource.startsWith('refuse')) {
    fail(op, 'WOULD_BLOCK');
  } else if (resource === 'die') {
    process.exit(3);
  } else if (resource === 'torn') {
    writeSync(SOCKET_FD, encodeFrames([{ kind: 'done', op }], encodeReply).subarray(0, 9));
    process.exit(4);
  } else if (resource === 'thrice') {
    const blocking = { kind: 'blocking', id, mode: 'EX' } as const;
    socket.write(encodeFrames([{ kind: 'done', op }, blocking, blocking, blocking], encodeReply));
  } else if (resource === 'garbage') {
    writeSync(SOCKET_FD, 'this is no frame at all');
  } else if (resource !== 'hang') {
    if (resource === 'log') {
      process.stderr.write('something to know\n');
    }
    reply({ kind: 'done', op });
    reply({ kind: 'blocking', id, mode: 'EX' });
  }
}

function fail(op: number, code: 'NO_KERNEL' | 'WOULD_BLOCK' | 'CANCELED'): void {
  const failure = { code, operation: 'fake', message: `${code} by wish`, status: 11, retryable: true };
  reply({ kind: 'failed', op, failure });
}

function reply(message: Reply): void {
  socket.write(encodeFrames([message], encodeReply));
}
