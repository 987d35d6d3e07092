import { areCompatible, LOCK_MODES } from './core/mode.js';
import type { LockView, OrphanView } from './core/view.js';
import { toShownLockName } from './resource-name.js';

/** Every lock among these that no list explains, with what it does to the others. */
export function viewOrphans(locks: readonly LockView[]): readonly OrphanView[] {
  return locks.filter(isUnexplained).map((lock) => viewOrphan(lock, locks));
}

/** Nobody's: in quarantine, on its way into it or out of it. */
function isUnexplained({ owner, state }: LockView): boolean {
  return owner === null && state !== 'lost';
}

/** What one of these locks does to the others. */
export function viewOrphan(lock: LockView, locks: readonly LockView[]): OrphanView {
  return {
    lock,
    blocks: LOCK_MODES.filter((mode) => !areCompatible(lock.mode, mode)),
    waiting: locks.filter((other) => {
      return other.state === 'waiting' && isSameResource(other.resource, lock.resource);
    }),
  };
}

/** An unexplained orphan has the name of the lockspace, which for a long one is its hash. */
function isSameResource(resource: string, lockName: string): boolean {
  return resource === lockName || toShownLockName(resource) === lockName;
}
