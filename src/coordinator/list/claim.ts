import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { messageOf } from '../../errors.js';
import type { DiskClaim } from './disk.js';
import { ListError } from './error.js';
import { describeHolders } from './file-holders.js';

const CLAIM_FILE = 'locks.lock';
/** How long flock(1) may take; it only asks the kernel, so this is for a machine in trouble. */
const CLAIM_TIMEOUT_MS = 10_000;
const STDERR_BYTES_MAX = 4096;
/** What both util-linux and busybox exit with when somebody else has the lock. */
const EXIT_CONFLICT = 1;

/**
 * Makes this process the directory's only writer, by flock(2) on a file in it.
 *
 * Node cannot call flock(2), but flock(1), given our descriptor, locks the open file that both
 * share: the lock stays when the command ends, and the kernel drops it when this process does,
 * however it ends. Nothing can be left over and nothing depends on pids or on the network
 * namespace, as it would with a pid file or an abstract socket. util-linux is essential on Debian.
 *
 * Rejects with ListError `IN_USE` or `CLAIM_FAILED`. @see flock(1), flock(2)
 */
export async function claimDirectory(directory: string): Promise<DiskClaim> {
  const path = join(directory, CLAIM_FILE);
  // The handle must stay referenced: a collected FileHandle is closed, and the lock with it.
  const file = await open(path, 'a', 0o600).catch((thrown: unknown) => {
    throw claimFailed(directory, messageOf(thrown), thrown);
  });
  try {
    const { exit, stderr } = await runFlock(file.fd);
    if (exit === EXIT_CONFLICT) {
      throw inUse(directory, await describeHolders(path));
    }
    if (exit !== 0) throw claimFailed(directory, `flock ended with ${exit}: ${stderr}`, null);
  } catch (thrown) {
    await file.close();
    if (thrown instanceof ListError) throw thrown;
    throw claimFailed(directory, messageOf(thrown), thrown);
  }
  return { release: () => file.close() };
}

function inUse(directory: string, holders: readonly string[]): ListError {
  const who = holders.length === 0 ? 'not to be seen from here' : `pid ${holders.join(', pid ')}`;
  return new ListError(
    'IN_USE',
    `another process has the lock list in ${directory}: ${who}; is holdfastd running already? ` +
      'Stop it first, or set another state_dir and lockspace',
  );
}

function claimFailed(directory: string, why: string, cause: unknown): ListError {
  return new ListError(
    'CLAIM_FAILED',
    `cannot make sure that nobody else writes the lock list in ${directory}: ${why}; ` +
      'flock(1) of util-linux must be installed and the directory writable',
    { cause },
  );
}

function runFlock(fd: number): Promise<{ exit: number | string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-n', '3'], {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      timeout: CLAIM_TIMEOUT_MS,
    });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(0, STDERR_BYTES_MAX);
    });
    child.on('error', reject);
    child.on('close', (exit, signal) => {
      resolve({ exit: exit ?? signal ?? 'no status', stderr: stderr.trim() });
    });
  });
}
