import type { ControllerLockspace } from './dlm-tool.js';
import type { AwaitedEvent, LockspaceState } from './port.js';

/**
 * Bits of recover_status. Every member sets DONE when it has recovered, which is after all members
 * have dropped the locks of those that are gone. The `_ALL` bits are kept by the member with the
 * lowest node id only: a finished recovery reads 0xff there and 0x55 elsewhere.
 * @see fs/dlm/dlm_internal.h, DLM_RS_*; fs/dlm/recover.c, wait_status
 */
const DONE = 0x40;
const DONE_ALL = 0x80;
const EARLIER_ALL = 0x2a;

/** What dlm_controld said of the lockspace. */
export type ControllerAnswer =
  | { readonly kind: 'unanswered'; readonly reason: string }
  | { readonly kind: 'unlisted' }
  | { readonly kind: 'listed'; readonly lockspace: ControllerLockspace };

/**
 * What was seen, in this order: first dlm_controld's answer, then the kernel's files. The order
 * matters: dlm_controld names a change's members only after the kernel was stopped for it, so a
 * kernel that is seen complete *after* that answer has recovered with that change or a later one.
 */
export interface Sighting {
  readonly controller: ControllerAnswer;
  readonly inKernel: boolean;
  readonly recoverStatus: number | null;
  readonly configuredMembers: readonly number[] | null;
}

/**
 * How a lockspace stands. Never says `running` unless dlm_controld has no change under way, the
 * kernel has completed its recovery, and both name the same members: from
 * `running` without a dead node follows that its locks are gone.
 */
export function judgeLockspace(name: string, sighting: Sighting): LockspaceState {
  const { controller } = sighting;
  if (!sighting.inKernel) {
    return { kind: 'absent' };
  }
  switch (controller.kind) {
    case 'unanswered':
      return { kind: 'abandoned', reason: controller.reason };
    case 'unlisted':
      return {
        kind: 'abandoned',
        reason: `lockspace ${name} is in the kernel, but dlm_controld does not know it`,
      };
    case 'listed':
      return judgeListed(controller.lockspace, sighting);
    default:
      return controller satisfies never;
  }
}

function judgeListed(lockspace: ControllerLockspace, sighting: Sighting): LockspaceState {
  const { members, change, flags } = lockspace;
  if (change !== null) {
    return { kind: 'waiting', for: reasonOf(change.waitsFor), members };
  }
  if (members.length === 0 || flags.some((flag) => /join|leave/.test(flag))) {
    return { kind: 'waiting', for: 'members', members };
  }
  const stopped = flags.includes('kern_stop');
  const recovered = isRecovered(sighting.recoverStatus ?? 0);
  if (stopped || !recovered || !sameMembers(members, sighting.configuredMembers)) {
    return { kind: 'waiting', for: 'recovery', members };
  }
  return { kind: 'running', members };
}

function isRecovered(recoverStatus: number): boolean {
  const keepsAllBits = (recoverStatus & EARLIER_ALL) !== 0;
  return (recoverStatus & (keepsAllBits ? DONE_ALL : DONE)) !== 0;
}

function sameMembers(members: readonly number[], configured: readonly number[] | null): boolean {
  return configured === null || [...members].sort((a, b) => a - b).join() === configured.join();
}

/** dlm_controld's words for what a change waits for, as one of ours. */
export function reasonOf(waitsFor: string): AwaitedEvent {
  if (waitsFor.startsWith('messages') || waitsFor.startsWith('fsdone')) {
    return 'members';
  }
  switch (waitsFor) {
    case 'ringid': return 'ring';
    case 'quorum': return 'quorum';
    case 'fencing': return 'fencing';
    default: return 'recovery';
  }
}
