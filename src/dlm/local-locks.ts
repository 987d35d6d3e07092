import { parseLocks } from './debugfs.js';
import { DlmError } from './error.js';
import { messageOf } from '../errors.js';
import { LOCKS_BYTES_MAX, type KernelFiles } from './kernel-files.js';
import type { LocalLock } from './port.js';

/**
 * All locks of this node in the lockspace, from debugfs. An orphan is what the kernel marks as
 * one or, where the kernel hides the mark, what no living process can own. Rejects with
 * `NO_PERMISSION` or `KERNEL`.
 */
export async function readLocalLocks(
  kernel: KernelFiles, lockspace: string,
): Promise<readonly LocalLock[]> {
  const file = await readFileOf(kernel, lockspace);
  const { locks, skipped } = parseLocks(file);
  if (skipped > 0 || file.length > LOCKS_BYTES_MAX) {
    const message = `${skipped} lines of ${lockspace}_locks in debugfs could not be read; `
      + 'the list of this node\'s locks would be incomplete';
    throw new DlmError('KERNEL', 'localLocks', message);
  }
  const owners = new Set(locks.map((lock) => lock.ownerPid));
  const alive = new Set<number>();
  for (const pid of owners) {
    if (await kernel.threadLife(pid, lockspace) === 'alive') {
      alive.add(pid);
    }
  }
  return locks.map(({ markedOrphan, ...lock }) => ({
    ...lock,
    orphan: markedOrphan || !alive.has(lock.ownerPid),
  }));
}

async function readFileOf(kernel: KernelFiles, lockspace: string): Promise<Buffer> {
  try {
    return await kernel.locksFile(lockspace);
  } catch (cause) {
    const denied = cause instanceof Error && 'code' in cause
      && (cause.code === 'EACCES' || cause.code === 'EPERM');
    const message = `the kernel's list of locks in ${lockspace} cannot be read: `
      + `${messageOf(cause)}; mount debugfs on /sys/kernel/debug and run as root`;
    throw new DlmError(denied ? 'NO_PERMISSION' : 'KERNEL', 'localLocks', message, { cause });
  }
}
