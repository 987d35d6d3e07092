import { randomBytes } from 'node:crypto';
import { chmod, chown, link, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, messageOf } from '../errors.js';
import { ControlError } from './error.js';
import { CONTROL_GROUP, findControlGroupId } from './group-id.js';
import { SOCKET_CLAIMS_MAX, SOCKET_PATH_BYTES_MAX } from './limits.js';
import type { ControlLog } from './log.js';
import { probeSocket } from './probe.js';

const DIRECTORY_MODE = 0o755;
const SOCKET_MODE = 0o660;

/** A socket path that is ours until it is given back. */
export interface ClaimedSocket {
  /** Removes the path, unless another has taken it since. */
  release(): Promise<void>;
}

/**
 * Makes `socketPath` lead to what `listen` listens on.
 *
 * The socket is born under a name of its own, gets its rights there, and is put in place by
 * link(2), which never replaces anything. So of two daemons that start at once one gets the path
 * and the other finds it alive, clients never meet a socket with the wrong rights, and a living
 * daemon's socket is never overwritten. A dead one is moved aside by rename(2), which only one of
 * two can win, and probed once more before it is deleted: if a living one had taken its place in
 * between, it is put back.
 *
 * @throws {ControlError} SOCKET_IN_USE, SOCKET_TAKEN, SOCKET_NO_PERMISSION, SOCKET_FAILED
 */
export async function claimSocket(
  socketPath: string,
  listen: (birthPath: string) => Promise<void>,
  log: ControlLog,
): Promise<ClaimedSocket> {
  if (Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) {
    throw new ControlError('SOCKET_FAILED', socketPath,
      `${socketPath} is longer than ${SOCKET_PATH_BYTES_MAX} bytes, too long for a unix ` +
        'socket; set `socket` to a shorter path.');
  }
  const birthPath = `${socketPath}.${process.pid}.${randomBytes(2).toString('hex')}`;
  try {
    await mkdir(dirname(socketPath), { recursive: true, mode: DIRECTORY_MODE });
    const own = await bindAndPlace(birthPath, socketPath, listen, log);
    return { release: () => removeOwn(socketPath, own) };
  } catch (error) {
    throw toControlError(error, socketPath);
  }
}

/** Tells the socket apart from one that takes its path later. */
interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

async function bindAndPlace(
  birthPath: string,
  socketPath: string,
  listen: (birthPath: string) => Promise<void>,
  log: ControlLog,
): Promise<Identity> {
  await listen(birthPath);
  try {
    await setRights(birthPath, log);
    await putInPlace(birthPath, socketPath, log);
    return await lstat(birthPath, { bigint: true });
  } finally {
    await rm(birthPath, { force: true });
  }
}

async function setRights(path: string, log: ControlLog): Promise<void> {
  await chmod(path, SOCKET_MODE);
  const groupId = await findControlGroupId().catch((error: unknown) => {
    log.warn('cannot read /etc/group; only root may use the control socket', {
      error: messageOf(error),
    });
    return null;
  });
  if (groupId === null) {
    return;
  }
  try {
    await chown(path, -1, groupId);
  } catch (error) {
    log.warn(`cannot give the control socket to group ${CONTROL_GROUP}; its members cannot use it`, {
      error: messageOf(error),
    });
  }
}

async function putInPlace(birthPath: string, path: string, log: ControlLog): Promise<void> {
  for (let attempt = 1; attempt <= SOCKET_CLAIMS_MAX; attempt++) {
    try {
      await link(birthPath, path);
      return;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) {
        throw error;
      }
    }
    if (await isDead(path)) {
      log.warn('removing the control socket that a dead daemon left behind', { path });
      await moveAside(path, `${birthPath}x`);
    }
  }
  throw new ControlError('SOCKET_FAILED', path,
    `${path} changed hands ${SOCKET_CLAIMS_MAX} times while this daemon started; see what else ` +
      'starts a daemon on it.');
}

/** False when there is nothing any more. @throws when it is alive, or not a socket */
async function isDead(path: string): Promise<boolean> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) {
      return null;
    }
    throw error;
  });
  if (stats !== null && !stats.isSocket()) {
    throw new ControlError('SOCKET_TAKEN', path,
      `${path} exists and is not a socket, so it is left alone; remove it, or set \`socket\` to ` +
        'another path.');
  }
  const probe = await probeSocket(path);
  switch (probe.kind) {
    case 'alive':
      throw new ControlError('SOCKET_IN_USE', path,
        `Another daemon answers on ${path}; one host runs one daemon. Stop it first, or set ` +
          '`socket` to another path.');
    case 'failed':
      throw probe.error;
    case 'dead':
      return true;
    case 'absent':
      return false;
    default:
      return probe satisfies never;
  }
}

async function moveAside(path: string, asidePath: string): Promise<void> {
  try {
    await rename(path, asidePath);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) {
      return;
    }
    throw error;
  }
  const probe = await probeSocket(asidePath);
  if (probe.kind === 'alive') {
    await link(asidePath, path);
  }
  await rm(asidePath, { force: true });
}

async function removeOwn(path: string, own: Identity): Promise<void> {
  try {
    const there = await lstat(path, { bigint: true });
    if (there.dev === own.dev && there.ino === own.ino) {
      await rm(path, { force: true });
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) {
      throw toControlError(error, path);
    }
  }
}

function toControlError(error: unknown, path: string): HoldfastError {
  if (error instanceof HoldfastError) {
    return error;
  }
  if (['EACCES', 'EPERM', 'EROFS'].some((code) => hasCode(error, code))) {
    return new ControlError('SOCKET_NO_PERMISSION', path,
      `This user may not use ${path} (${messageOf(error)}); run the daemon as root, or set ` +
        '`socket` to a path in a directory of its own.', { cause: error });
  }
  return new ControlError('SOCKET_FAILED', path,
    `Cannot listen on ${path}: ${messageOf(error)}.`, { cause: error });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
