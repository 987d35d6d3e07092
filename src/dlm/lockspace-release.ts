import { messageOf } from '../errors.js';
import { DlmError } from './error.js';
import type { KernelFiles } from './kernel-files.js';
import { readLocalLocks } from './local-locks.js';
import type { LocalLock } from './port.js';

/** Most programs that are named in a refusal. */
const OPENERS_NAMED_MAX = 4;

export interface ReleaseModules {
  readonly name: string;
  readonly kernel: KernelFiles;
  readonly childPid: number | null;
  /** How many locks the child may have. */
  readonly ownLocks: () => number;
  /** Asks the child to leave; rejects with `LOCKSPACE_BUSY` when the kernel keeps locks. */
  readonly leave: (force: 0 | 1) => Promise<void>;
  readonly log: (message: string) => void;
}

/**
 * Leaves the lockspace when nothing of this node is in it any more, or with `force` whatever is.
 * Rejects with `LOCKSPACE_BUSY` otherwise.
 *
 * Never, forced or not, while another program of this node has the lockspace's device open: the
 * kernel would leave the cluster under its feet, and only then wait, unkillable, until that
 * program closes it (seen on 6.1). One that opens it in just this moment cannot be seen.
 * @see fs/dlm/lockspace.c, release_lockspace
 */
export async function releaseWholly(modules: ReleaseModules, force: boolean): Promise<void> {
  await checkOpeners(modules);
  if (force) {
    await modules.leave(1);
  } else {
    await leaveUnused(modules);
  }
}

async function checkOpeners({ name, kernel, childPid }: ReleaseModules): Promise<void> {
  const pids = (await kernel.openers(name)).filter((pid) => pid !== childPid);
  if (pids.length === 0) {
    return;
  }
  const named = await Promise.all(pids.slice(0, OPENERS_NAMED_MAX).map(async (pid) =>
    `${await kernel.commandName(pid) ?? 'a program'} (pid ${pid})`));
  const more = pids.length > OPENERS_NAMED_MAX ? ` and ${pids.length - OPENERS_NAMED_MAX} more` : '';
  const message = `lockspace ${name} was not left: other programs of this node have it open: `
    + `${named.join(', ')}${more}; end them first`;
  throw new DlmError('LOCKSPACE_BUSY', 'release', message, { retryable: true });
}

async function leaveUnused(modules: ReleaseModules): Promise<void> {
  const { name, kernel, ownLocks, leave } = modules;
  const before = await locksIfReadable(modules);
  if (ownLocks() > 0 || (before !== null && before.length > 0)) {
    throw busy(modules, before ?? []);
  }
  try {
    await leave(0);
  } catch (error) {
    if (!(error instanceof DlmError) || error.code !== 'LOCKSPACE_BUSY' || before === null) {
      throw error;
    }
    // What the kernel still keeps may be other nodes' locks that it is master for: they move
    // to another master when this node leaves, which only a forced release does.
    const now = await readLocalLocks(kernel, name);
    if (now.length > 0) {
      throw busy(modules, now);
    }
    await leave(1);
  }
}

async function locksIfReadable(
  { kernel, name, log }: ReleaseModules,
): Promise<readonly LocalLock[] | null> {
  try {
    return await readLocalLocks(kernel, name);
  } catch (error) {
    log(`release of ${name}: ${messageOf(error)}`);
    return null;
  }
}

function busy({ name, ownLocks }: ReleaseModules, locks: readonly LocalLock[]): DlmError {
  const count = Math.max(locks.length, ownLocks());
  const orphans = locks.filter((lock) => lock.orphan).length;
  const message = `lockspace ${name} was not left: this node has ${count} locks in it, `
    + `${orphans} of them orphans; unlock or adopt and unlock them first`;
  return new DlmError('LOCKSPACE_BUSY', 'release', message);
}
