import { connect } from 'node:net';
import { SOCKET_PROBE_MS_MAX } from './limits.js';

/** What is behind a socket's path. */
export type Probe =
  | { readonly kind: 'alive' }
  /** A socket file that no process listens on. */
  | { readonly kind: 'dead' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly error: NodeJS.ErrnoException };

/**
 * Finds out whether somebody listens on a unix socket. One that does not accept in time counts as
 * alive: a stopped daemon comes back.
 *
 * @see connect(2) for ECONNREFUSED and EAGAIN
 */
export function probeSocket(path: string): Promise<Probe> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (probe: Probe): void => {
      socket.destroy();
      resolve(probe);
    };
    socket.setTimeout(SOCKET_PROBE_MS_MAX, () => settle({ kind: 'alive' }));
    socket.once('connect', () => settle({ kind: 'alive' }));
    socket.once('error', (error: NodeJS.ErrnoException) => settle(toProbe(error)));
  });
}

function toProbe(error: NodeJS.ErrnoException): Probe {
  switch (error.code) {
    case 'ECONNREFUSED':
      return { kind: 'dead' };
    case 'ENOENT':
      return { kind: 'absent' };
    case 'EAGAIN':
      return { kind: 'alive' };
    default:
      return { kind: 'failed', error };
  }
}
