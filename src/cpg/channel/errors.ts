import { CpgError } from '../error.js';

/** The connection ended, or corosync lost a frame: what was in it may be nowhere. */
export function messageLost(operation: string, cause: CpgError): CpgError {
  const text =
    `${operation}: lost (${cause.message}); it may or may not have reached the others: ` +
    'send it again if it still holds';
  return new CpgError('LOST', operation, text, { retryable: true, cause });
}

export function channelClosed(operation: string): CpgError {
  return new CpgError('CLOSED', operation, `${operation}: the channel was closed; open a new one`);
}

/** Before the join: nothing will change that but a join. */
export function notJoinedYet(operation: string): CpgError {
  return new CpgError('NOT_JOINED', operation, `${operation}: in no group; join one first`);
}

/** Between two connections. */
export function notConnected(operation: string): CpgError {
  const text =
    `${operation}: no connection to the group now, the channel tries to come back; ` +
    'wait for ready() or the event "connected"';
  return new CpgError('NOT_JOINED', operation, text, { retryable: true });
}

export function messageTooBig(operation: string, bytes: number, bytesMax: number): CpgError {
  const text = `${operation}: ${bytes} bytes; at most ${bytesMax} (messageBytesMax) are allowed`;
  return new CpgError('TOO_BIG', operation, text);
}

export function noBytes(operation: string, given: unknown): CpgError {
  const text = `${operation}: the payload is ${typeof given}; give a Uint8Array or a Buffer`;
  return new CpgError('INVALID_PARAM', operation, text);
}

export function tooManyWait(operation: string, count: number): CpgError {
  const text = `${operation}: ${count} calls wait for room already; await them before the next one`;
  return new CpgError('QUEUE_FULL', operation, text, { retryable: true });
}

export function alreadyJoined(): CpgError {
  const text = 'join: this channel has been joined already; open another one for another group';
  return new CpgError('EXIST', 'join', text);
}

export function noName(given: unknown): CpgError {
  const text = `join: the group name is ${typeof given}; give a string of 1 to 128 bytes`;
  return new CpgError('INVALID_PARAM', 'join', text);
}

/** Corosync dropped this process from the group without a word. */
export function droppedFromGroup(): CpgError {
  const text = 'corosync has dropped this process from its group; a new connection is needed';
  return new CpgError('LOST', 'view', text, { retryable: true });
}

/** Whatever an operation of the group threw, as a CpgError. */
export function asCpgError(operation: string, thrown: unknown): CpgError {
  if (thrown instanceof CpgError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new CpgError('UNKNOWN', operation, `${operation}: ${reason}`, { cause: thrown });
}
