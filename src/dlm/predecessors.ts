import type { Clock } from '../clock.js';
import { DlmError } from './error.js';
import type { KernelFiles } from './kernel-files.js';
import { readLocalLocks } from './local-locks.js';

/** The short name of our child processes. */
const CHILD_NAME = 'holdfast-dlm';

/** How long to wait until a child of an earlier daemon has let go of its locks. */
export const PREDECESSOR_MS_MAX = 10_000;
const POLL_MS = 50;

export interface PredecessorModules {
  readonly kernel: KernelFiles;
  readonly clock: Clock;
  readonly lockspace: string;
  readonly childPid: number | null;
}

/**
 * Waits until no child of an earlier daemon has this lockspace open any more, nor any other one
 * locks in it. Such a child lives on for a little while after its daemon, and one inside a stopped
 * lockspace until that runs again; until then its locks are no orphans, an adoption finds nothing,
 * and whoever believed that would take held locks for lost. Rejects with `LOCKSPACE_BUSY` after a
 * bounded wait.
 */
export async function awaitPredecessors(modules: PredecessorModules): Promise<void> {
  const { clock, lockspace } = modules;
  const startMs = clock.monotonic();
  for (;;) {
    const pid = await findPredecessor(modules);
    if (pid === null) {
      return;
    }
    if (clock.monotonic() - startMs > PREDECESSOR_MS_MAX) {
      const message = `an earlier ${CHILD_NAME} (pid ${pid}) still keeps locks in ${lockspace}; `
        + 'it ends when the lockspace runs again: see dlm_tool ls';
      throw new DlmError('LOCKSPACE_BUSY', 'open', message, { retryable: true });
    }
    await new Promise<void>((resolve) => clock.setTimer(POLL_MS, resolve));
  }
}

async function findPredecessor(
  { kernel, lockspace, childPid }: PredecessorModules,
): Promise<number | null> {
  const owners = await ownersOf(kernel, lockspace);
  for (const pid of await kernel.namesakes(CHILD_NAME)) {
    if (pid === childPid) continue;
    // One of another program that runs may have the lockspace open, as long as it has no locks.
    const isSuspect = owners.has(pid) || await kernel.hasLostParent(pid);
    if (isSuspect && await kernel.threadLife(pid, lockspace) === 'alive') {
      return pid;
    }
  }
  return null;
}

/** Processes that have locks in it; none where the kernel's table is not to be had. */
async function ownersOf(kernel: KernelFiles, lockspace: string): Promise<ReadonlySet<number>> {
  try {
    const locks = await readLocalLocks(kernel, lockspace);
    return new Set(locks.filter((lock) => !lock.orphan).map((lock) => lock.ownerPid));
  } catch (error) {
    if (error instanceof DlmError) return new Set();
    throw error;
  }
}
