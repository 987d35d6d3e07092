import { parseLocks } from './debugfs.js';
import { DlmError } from './error.js';
import { messageOf } from '../errors.js';
import { DEBUG_BYTES_MAX, type KernelFiles } from './kernel-files.js';
import type { KernelResource, LocalLock, ReplyWait } from './port.js';
import { parseReplyWaits, parseResources } from './resource-table.js';

/**
 * All locks of this node in the lockspace, from debugfs. An orphan is what the kernel marks as
 * one or, where the kernel hides the mark, what no living process can own. Rejects with
 * `NO_PERMISSION` or `KERNEL`.
 */
export async function readLocalLocks(
  kernel: KernelFiles, lockspace: string,
): Promise<readonly LocalLock[]> {
  const file = await readTable(kernel, lockspace, 'locks');
  const { locks, skipped } = parseLocks(file);
  checkWhole(file, lockspace, 'locks', skipped);
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

/** Every resource that this node knows, from debugfs. Rejects as `readLocalLocks`. */
export async function readResources(
  kernel: KernelFiles, lockspace: string,
): Promise<readonly KernelResource[]> {
  const file = await readTable(kernel, lockspace, 'all');
  const { resources, skipped } = parseResources(file);
  checkWhole(file, lockspace, 'all', skipped);
  return resources;
}

/** The messages to other nodes without an answer, from debugfs. Rejects as `readLocalLocks`. */
export async function readReplyWaits(
  kernel: KernelFiles, lockspace: string,
): Promise<readonly ReplyWait[]> {
  const file = await readTable(kernel, lockspace, 'waiters');
  const { waits, skipped } = parseReplyWaits(file);
  checkWhole(file, lockspace, 'waiters', skipped);
  return waits;
}

type Table = 'locks' | 'all' | 'waiters';

const OPERATIONS: Readonly<Record<Table, string>> = {
  locks: 'localLocks', all: 'resources', waiters: 'replyWaits',
};

/** What is incomplete must not look like the whole: a lock that is missing would look free. */
function checkWhole(file: Buffer, lockspace: string, table: Table, skipped: number): void {
  if (skipped > 0 || file.length > DEBUG_BYTES_MAX) {
    const message = `${skipped} lines of ${lockspace}_${table} in debugfs could not be read; `
      + 'what is left would be incomplete';
    throw new DlmError('KERNEL', OPERATIONS[table], message);
  }
}

async function readTable(kernel: KernelFiles, lockspace: string, table: Table): Promise<Buffer> {
  try {
    return await kernel.debugFile(lockspace, table);
  } catch (cause) {
    const denied = cause instanceof Error && 'code' in cause
      && (cause.code === 'EACCES' || cause.code === 'EPERM');
    const message = `the kernel's table ${lockspace}_${table} cannot be read: `
      + `${messageOf(cause)}; mount debugfs on /sys/kernel/debug and run as root`;
    throw new DlmError(denied ? 'NO_PERMISSION' : 'KERNEL', OPERATIONS[table], message, { cause });
  }
}
