import { fstatSync } from 'node:fs';
import { decodeRequest, encodeReply } from '../encoding.js';
import { messageOf } from '../../errors.js';
import { FrameSocket } from '../frame-socket.js';
import { loadLibC } from '../libc.js';
import type { Reply, Request } from '../protocol.js';
import { NO_SIGNS, openCallBoard } from './call-signs.js';
import { ChildLoop } from './child-loop.js';
import { endOnceQuiet, outliveParent } from './lifetime.js';
import type { CallSigns } from './lock-kernel.js';
import { Session, type Opener } from './session.js';

/** The child's end of the socket to its parent. */
const SOCKET_FD = 3;

/** Serves the parent until that closes its end of the socket, or dies; then the process ends. */
export function serve(opener: Opener): void {
  if (!fstatSync(SOCKET_FD).isSocket()) {
    return endWith(new Error('this is a part of holdfastd, which starts it itself'));
  }
  outliveParent();
  const libc = loadLibC();
  const socket: FrameSocket<Reply, Request> = new FrameSocket({
    libc,
    fd: SOCKET_FD,
    encode: encodeReply,
    decode: decodeRequest,
    onMessage: (request) => session.request(request),
  });
  const loop = new ChildLoop({
    libc, socket, socketFd: SOCKET_FD, onFault: endWith,
    onEnd: () => endOnceQuiet(() => session.leave(), () => process.exit(0)),
  });
  const reply = (message: Reply): void => {
    socket.add(message);
    loop.flushSoon();
  };
  const session: Session = new Session({
    loop, opener, reply, fail: endWith, signs: announceCalls(reply),
  });
}

/** Tells the parent where to see which call is under way; without that place, why not. */
function announceCalls(reply: (message: Reply) => void): CallSigns {
  try {
    const board = openCallBoard();
    reply({ kind: 'board', fd: board.fd });
    return board;
  } catch (fault) {
    reply({ kind: 'log', message: messageOf(fault) });
    return NO_SIGNS;
  }
}

/** Ends loudly. The kernel turns what is held into orphans, which the next child adopts. */
function endWith(fault: unknown): void {
  const cause = fault instanceof Error && fault.cause !== undefined
    ? ` (${messageOf(fault.cause)})`
    : '';
  process.stderr.write(`${messageOf(fault)}${cause}\n`);
  process.exit(1);
}
