import type { Clock } from '../clock.js';
import { DlmError } from './error.js';
import type { KernelFiles } from './kernel-files.js';
import { readLocalLocks } from './local-locks.js';

/** The short name of our child processes. */
const CHILD_NAME = 'holdfast-dlm';

/** How long to wait until a child of an earlier daemon has let go of its locks. */
export const PREDECESSOR_MS_MAX = 10_000;
const POLL_MS = 100;

export interface PredecessorModules {
  readonly kernel: KernelFiles;
  readonly clock: Clock;
  readonly lockspace: string;
  readonly childPid: number | null;
}

/**
 * Waits until no child of an earlier daemon has locks in this lockspace any more. A child that was
 * killed inside the kernel keeps its locks until it gets out; until then they are no orphans, an
 * adoption finds nothing, and whoever believed that would take held locks for lost. Rejects with
 * `LOCKSPACE_BUSY` after a bounded wait. Where debugfs is not to be had nothing is waited for.
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
  let owners: Set<number>;
  try {
    const locks = await readLocalLocks(kernel, lockspace);
    owners = new Set(locks.filter((lock) => !lock.orphan).map((lock) => lock.ownerPid));
  } catch (error) {
    if (error instanceof DlmError) {
      return null;
    }
    throw error;
  }
  for (const pid of owners) {
    if (pid !== childPid && await kernel.commandName(pid) === CHILD_NAME) {
      return pid;
    }
  }
  return null;
}
