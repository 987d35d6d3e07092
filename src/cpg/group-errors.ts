import { messageOf } from '../errors.js';
import { CpgError } from './error.js';
import { errorOf } from './status.js';

/** Corosync died, or closed the connection; `status` says how it showed. */
export function lost(operation: string, status: number): CpgError {
  const text =
    'the connection to corosync is gone (corosync died, or dropped this client); ' +
    'open a new group once corosync runs';
  return new CpgError('LOST', operation, text, {
    status, retryable: true, cause: errorOf(operation, status),
  });
}

/** A callback could not read what corosync said. */
export function broken(cause: unknown): CpgError {
  const text = 'an event of corosync could not be read, so the order is broken; open a new group';
  return new CpgError('LOST', 'cpg_dispatch', text, { cause, retryable: true });
}

/** Corosync has brought nothing of ours back for that long. */
export function silent(silenceMs: number): CpgError {
  const text =
    `nothing of what was sent came back within ${silenceMs / 1000} s, so corosync hangs or has ` +
    'lost it; look at corosync (corosync-cfgtool -s), then open a new group';
  return new CpgError('LOST', 'multicast', text, { retryable: true });
}

/** The operation needs a membership. */
export function notJoined(operation: string): CpgError {
  return new CpgError('NOT_JOINED', operation, `${operation}: in no group; join one first`);
}

/** Corosync answers EXIST, too, when a connection that has left joins again. */
export function alreadyUsed(state: string): CpgError {
  const text = `join: this group is ${state} already; open a new one, each joins only once`;
  return new CpgError('EXIST', 'join', text);
}

/** Corosync took the request, but its view did not come. */
export function timedOut(operation: string): CpgError {
  const text = `${operation}: not confirmed in time; close this group and open a new one`;
  return new CpgError('TIMEOUT', operation, text, { retryable: true });
}

/** The call into the library failed before it reached corosync. */
export function notAsked(operation: string, cause: unknown): CpgError {
  const text =
    `${operation}: corosync was not asked (${messageOf(cause)}), so nothing has changed; ` +
    'try again when fewer native calls are under way';
  return new CpgError('NO_RESOURCES', operation, text, { cause, retryable: true });
}

/** The group has ended, by whichever cause. */
export function ended(operation: string, cause: CpgError): CpgError {
  return new CpgError(cause.code, operation, `${operation}: ${cause.message}`, { cause });
}

/** Above what corosync sends in one piece. */
export function tooBig(bytes: number, bytesMax: number): CpgError {
  const text = `multicast: ${bytes} bytes; at most ${bytesMax} go in one message, send chunks`;
  return new CpgError('TOO_BIG', 'multicast', text);
}
