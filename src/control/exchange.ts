import { request, type IncomingMessage } from 'node:http';
import { messageOf } from '../errors.js';
import { ControlError } from './error.js';
import { REPLY_BYTES_MAX, SOCKET_PATH_BYTES_MAX } from './limits.js';

/** One question to the daemon. */
export interface Exchange {
  readonly method: 'GET' | 'POST';
  /** Such as `/v1/status`. */
  readonly path: string;
  /** Sent as JSON; null for none. */
  readonly body: unknown;
  /** How long the answer may take to begin, in ms; null = for ever. */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal | null;
}

/**
 * Sends one request over the unix socket and resolves with the answer's head.
 *
 * @throws {ControlError} DAEMON_NOT_RUNNING, NO_PERMISSION, TIMEOUT, CONNECTION_LOST, CANCELED
 */
export function exchange(socketPath: string, ask: Exchange): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) {
      reject(new ControlError('DAEMON_NOT_RUNNING', socketPath,
        `${socketPath} is longer than ${SOCKET_PATH_BYTES_MAX} bytes, so no daemon can listen ` +
          'there; check the path.'));
      return;
    }
    const body = ask.body === null ? '' : JSON.stringify(ask.body);
    const outgoing = request({
      socketPath,
      method: ask.method,
      path: ask.path,
      agent: false,
      headers: {
        host: 'holdfast',
        ...(body === '' ? {} : {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        }),
      },
    });
    const timer = ask.timeoutMs === null ? null : setTimeout(() => {
      outgoing.destroy(timedOut(socketPath, ask));
    }, ask.timeoutMs);
    const onAbort = (): void => {
      outgoing.destroy(new ControlError('CANCELED', socketPath, 'The request was cancelled.'));
    };
    const settle = (): void => {
      clearTimeout(timer ?? undefined);
      ask.signal?.removeEventListener('abort', onAbort);
    };
    outgoing.once('response', (response) => {
      clearTimeout(timer ?? undefined);
      response.once('close', settle);
      resolve(response);
    });
    outgoing.on('error', (error) => {
      settle();
      reject(toControlError(error, socketPath));
    });
    ask.signal?.addEventListener('abort', onAbort, { once: true });
    if (ask.signal?.aborted === true) {
      onAbort();
    }
    outgoing.end(body);
  });
}

/** The whole body as text. @throws {ControlError} BAD_REPLY, CONNECTION_LOST, CANCELED */
export async function readText(response: IncomingMessage, socketPath: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > REPLY_BYTES_MAX) {
        throw new ControlError('BAD_REPLY', socketPath,
          `The answer on ${socketPath} is larger than ${REPLY_BYTES_MAX} bytes; this is no ` +
            'holdfastd that this version can talk to.');
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw toControlError(error, socketPath);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What a failure of the connection means to the caller. */
export function toControlError(error: unknown, socketPath: string): ControlError {
  if (error instanceof ControlError) {
    return error;
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return new ControlError('DAEMON_NOT_RUNNING', socketPath,
        `No daemon answers on ${socketPath}. Start it with \`systemctl start holdfastd\`, or ` +
          'name its socket with --socket or HOLDFAST_SOCKET.', { cause: error, retryable: true });
    case 'EACCES':
    case 'EPERM':
      return new ControlError('NO_PERMISSION', socketPath,
        `This user may not use ${socketPath}; become root or a member of the group haclient.`,
        { cause: error });
    default:
      return new ControlError('CONNECTION_LOST', socketPath,
        `The daemon on ${socketPath} hung up without an answer (${messageOf(error)}). What was ` +
          'asked may have been done: look at the locks, or ask again.',
        { cause: error, retryable: true });
  }
}

function timedOut(socketPath: string, ask: Exchange): ControlError {
  return new ControlError('TIMEOUT', socketPath,
    `The daemon on ${socketPath} did not answer ${ask.path} within ${ask.timeoutMs} ms. It may ` +
      'be stopped or overloaded; what was asked may still be done.', { retryable: true });
}
