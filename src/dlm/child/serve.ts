import { decodeRequest, encodeReply } from '../encoding.js';
import { messageOf } from '../../errors.js';
import { FrameSocket } from '../frame-socket.js';
import { loadLibC } from '../libc.js';
import type { Reply, Request } from '../protocol.js';
import { ChildLoop } from './child-loop.js';
import { dieWithParent } from './lifetime.js';
import { Session, type Opener } from './session.js';

/** The child's end of the socket to its parent. */
const SOCKET_FD = 3;

/**
 * Serves the parent of this pid until that closes its end of the socket, or dies. Returns at once
 * when it has died already.
 */
export function serve(parentPid: number, opener: Opener): void {
  if (!dieWithParent(parentPid)) {
    return;
  }
  const libc = loadLibC();
  const socket: FrameSocket<Reply, Request> = new FrameSocket({
    libc,
    fd: SOCKET_FD,
    encode: encodeReply,
    decode: decodeRequest,
    onMessage: (request) => session.request(request),
  });
  const loop = new ChildLoop({
    libc, socket, socketFd: SOCKET_FD, onEnd: () => process.exit(0), onFault: endWith,
  });
  const session: Session = new Session({
    loop,
    opener,
    reply: (reply) => {
      socket.add(reply);
      loop.flushSoon();
    },
    fail: endWith,
  });
}

/** Ends loudly. The kernel turns what is held into orphans, which the next child adopts. */
function endWith(fault: unknown): void {
  const cause = fault instanceof Error && fault.cause !== undefined
    ? ` (${messageOf(fault.cause)})`
    : '';
  process.stderr.write(`${messageOf(fault)}${cause}\n`);
  process.exit(1);
}
