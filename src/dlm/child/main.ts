/**
 * The child process that speaks to libdlm, and does nothing else: any libdlm call may block in
 * the kernel, unkillable, while a lockspace is stopped.
 *
 * Its parent gives its own pid as the only argument, requests on stdin and takes replies from
 * file descriptor 3, both as frames. The child ends with its parent; what it held and was
 * persistent stays in the kernel as orphans of this node.
 */
import { Socket } from 'node:net';
import { messageOf } from '../../errors.js';
import { encodeFrames, FrameDecoder } from '../frame.js';
import { parseRequest, type Reply } from '../protocol.js';
import { NO_SIGNS, openCallBoard } from './call-signs.js';
import { dieWithParent } from './lifetime.js';
import type { CallSigns } from './lock-kernel.js';
import { Session } from './session.js';

const REPLY_FD = 3;

/** What /proc/PID/comm shows; the name by which a leftover of an earlier daemon is known. */
process.title = 'holdfast-dlm';

if (dieWithParent(Number(process.argv[2]))) {
  serve();
}

function serve(): void {
  const output = new Socket({ fd: REPLY_FD, readable: false, writable: true });
  let replies: Reply[] = [];
  const reply = (message: Reply): void => {
    if (replies.length === 0) {
      // All replies of this turn go out in one write.
      setImmediate(() => {
        const batch = replies;
        replies = [];
        output.write(encodeFrames(batch));
      });
    }
    replies.push(message);
  };
  const session = new Session({ reply, fail: endWith, signs: announceCalls(reply) });
  const decoder = new FrameDecoder();
  process.stdin.on('data', (chunk: Buffer) => {
    try {
      for (const message of decoder.push(chunk)) {
        const request = parseRequest(message);
        if (request === null) {
          throw new Error(`no request: ${JSON.stringify(message).slice(0, 200)}`);
        }
        session.request(request);
      }
    } catch (fault) {
      endWith(fault);
    }
  });
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', endWith);
  output.on('error', endWith);
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
