import type { LockMode } from '../../dlm/index.js';
import { grantedMode, requestedMode, type EngineLock, type LockFlags } from './lock.js';
import { areCompatible } from './mode.js';

/** The three queues of one resource, each in order of service. */
export interface Queues {
  granted: EngineLock[];
  converting: EngineLock[];
  waiting: EngineLock[];
}

/** A request that is being decided: `lock` may stand on a queue already, or not yet. */
export interface Candidate {
  readonly lock: EngineLock;
  readonly to: LockMode;
  readonly convert: boolean;
  readonly flags: LockFlags;
  /** True at its arrival, false when queues are served later. */
  readonly arriving: boolean;
}

/**
 * Whether the request may be granted now; the kernel's rules, which are those of VMS.
 *
 * The hazard: an arriving convert is granted in place past the convert queue unless QUECVT is
 * set, so readers that keep coming can starve a waiting writer; and a *new* request, NL too, waits
 * as long as any convert is queued, unless EXPEDITE is set.
 * @see _can_be_granted in fs/dlm/lock.c
 */
export function canBeGranted(queues: Queues, candidate: Candidate): boolean {
  const { lock, convert, flags, arriving } = candidate;
  if (flags.expedite === true) return true;
  if (conflicts(queues.granted, candidate) || conflicts(queues.converting, candidate)) return false;
  if (arriving && convert) return flags.queueConvert !== true || queues.converting.length === 0;
  if (flags.noOrder === true) return true;
  if (convert) return queues.converting[0] === lock;
  if (queues.converting.length > 0) return false;
  return arriving ? queues.waiting.length === 0 : queues.waiting[0] === lock;
}

/**
 * Whether queueing this convert would make a deadlock: someone in the convert queue waits for the
 * mode that this lock holds, and would be served before it.
 * @see conversion_deadlock_detect in fs/dlm/lock.c
 */
export function wouldDeadlock(queues: Queues, lock: EngineLock, to: LockMode): boolean {
  const held = grantedMode(lock);
  let passedSelf = false;
  for (const other of queues.converting) {
    if (other === lock) {
      passedSelf = true;
      continue;
    }
    const otherTo = requestedMode(other);
    const otherHeld = grantedMode(other);
    if (held === null || otherTo === null || otherHeld === null) continue;
    const blocksOther = !areCompatible(held, otherTo);
    if (blocksOther && (!passedSelf || !areCompatible(otherHeld, to))) return true;
  }
  return false;
}

function conflicts(queue: readonly EngineLock[], { lock, to }: Candidate): boolean {
  return queue.some((other) => {
    const held = grantedMode(other);
    return other !== lock && held !== null && !areCompatible(held, to);
  });
}
