import type { FencingFacts } from './fencing.js';
import type { SetMember } from './lock-set.js';
import type { Envelope, ProtocolRange, Ring } from './message.js';
import type { LockMode } from './mode.js';
import type { Owner } from './owner.js';
import type { ListedLock } from './record.js';

/** The time of an event; the core has no other. */
export interface Instant {
  /** Wall clock, ms since the epoch: only for telling people when. */
  readonly wallMs: number;
  /** Monotonic, ms: for every duration and deadline. */
  readonly monotonicMs: number;
}

export interface GroupMember {
  readonly nodeId: number;
  readonly pid: number;
}

export type LeaveReason = 'undefined' | 'join' | 'leave' | 'nodedown' | 'nodeup' | 'procdown';

/** The lockspace as the lock manager's daemon and the kernel tell. */
export type LockspaceCondition =
  | { readonly kind: 'running'; readonly members: readonly number[] }
  | { readonly kind: 'waiting'; readonly for: string; readonly members: readonly number[] }
  | { readonly kind: 'abandoned'; readonly reason: string }
  | { readonly kind: 'absent' };

/** A lock of this node in the kernel that no live process owns. */
export interface KernelOrphan {
  readonly lockName: string;
  readonly mode: LockMode;
}

/** A lock of this node in the kernel, in the mode in which it is granted. */
export interface KernelHold {
  readonly lockName: string;
  readonly mode: LockMode;
}

/** What a request to the lock manager failed with, in the words of its port. */
export interface LockFailure {
  readonly code: string;
  readonly message: string;
}

/** How far the lock list can be relied upon. */
export type ListCondition =
  | { readonly kind: 'well' }
  /** Its syncs are late: the operator should know, nothing else changes. */
  | { readonly kind: 'late'; readonly text: string }
  /** It takes no records, or its disk hangs: nothing new is taken. */
  | { readonly kind: 'failed'; readonly text: string };

/** Everything that can happen to a coordinator. */
export type CoreEvent =
  /** The start waits for something outside; says what, for `status`. */
  | { readonly kind: 'start-waits'; readonly waitingFor: string }
  /** The list has been read; nothing of it is believed before the kernel has spoken. */
  | {
      readonly kind: 'list-found';
      readonly locks: readonly ListedLock[];
      /** Up to where numbers may have been used; not certain when damage may have taken more. */
      readonly generations: { readonly upTo: number; readonly isCertain: boolean };
    }
  /** The mark of generations is on disk up to that number. */
  | { readonly kind: 'generations-reserved'; readonly upTo: number }
  | { readonly kind: 'generations-failed'; readonly message: string }
  /** The lockspace is open. `orphans` is null when the kernel's tables cannot be read. */
  | {
      readonly kind: 'lockspace-open';
      /** Counts the openings of this run: what was meant for an earlier one must not reach it. */
      readonly opening: number;
      readonly orphans: readonly KernelOrphan[] | null;
    }
  /** The lock manager does not come back from operations that should be quick, or does again. */
  | { readonly kind: 'lockspace-stalled'; readonly isStalled: boolean }
  | { readonly kind: 'lockspace-lost'; readonly reason: string }
  /** `askedMs`: monotonic time at which the question was put; the answer is as old as that. */
  | {
      readonly kind: 'lockspace-condition';
      readonly condition: LockspaceCondition;
      readonly askedMs: number;
    }
  /** All locks of this node in the kernel; null with the reason when that cannot be read. */
  | {
      readonly kind: 'locks-read';
      readonly round: number;
      readonly locks: readonly KernelHold[] | null;
      readonly reason: string;
    }
  | { readonly kind: 'adopted'; readonly id: number }
  | { readonly kind: 'adopt-failed'; readonly id: number; readonly failure: LockFailure }
  | { readonly kind: 'granted'; readonly id: number }
  | { readonly kind: 'take-failed'; readonly id: number; readonly failure: LockFailure }
  | { readonly kind: 'converted'; readonly id: number }
  /** The lock has the mode that it had. */
  | { readonly kind: 'convert-failed'; readonly id: number; readonly failure: LockFailure }
  | { readonly kind: 'unlocked'; readonly id: number }
  | { readonly kind: 'unlock-failed'; readonly id: number; readonly failure: LockFailure }
  /** The intents of these locks could not be written; they were not asked of the kernel. */
  | { readonly kind: 'intent-failed'; readonly ids: readonly number[]; readonly message: string }
  | { readonly kind: 'list-condition'; readonly condition: ListCondition }
  /** As `intent-failed`, for the converts of these locks. */
  | { readonly kind: 'convert-unlisted'; readonly ids: readonly number[]; readonly message: string }
  | {
      readonly kind: 'convert';
      readonly caller: number;
      readonly resource: string;
      readonly owner: Owner;
      /** Another mode than the one held; weaker or stronger. */
      readonly mode: LockMode;
      /** 0 = do not wait; null = for ever. */
      readonly waitMs: number | null;
    }
  | {
      readonly kind: 'acquire';
      readonly caller: number;
      readonly resource: string;
      readonly lockName: string;
      readonly mode: LockMode;
      readonly owner: Owner;
      /** 0 = do not wait; null = for ever. */
      readonly waitMs: number | null;
      /** The set that asks for it; absent for a caller from outside. */
      readonly set?: number | undefined;
    }
  /** All of them or none. */
  | {
      readonly kind: 'acquire-set';
      readonly caller: number;
      /** SET_MEMBERS_MAX at most, no name twice. */
      readonly members: readonly SetMember[];
      readonly owner: Owner;
      /** For the whole: 0 = do not wait; null = for ever. */
      readonly waitMs: number | null;
    }
  /** The members of that set are written as held. */
  | { readonly kind: 'set-listed'; readonly set: number }
  | { readonly kind: 'set-unlisted'; readonly set: number; readonly message: string }
  /** The grant of this lock could not be listed, and nobody has been told of it. */
  | { readonly kind: 'held-unlisted'; readonly id: number; readonly message: string }
  | {
      readonly kind: 'release';
      readonly caller: number;
      readonly resource: string;
      readonly owner: Owner;
    }
  /** A step of a handover, asked for by the lock's owner at either end. */
  | {
      readonly kind: 'handover';
      readonly action: 'open' | 'join' | 'finish' | 'abort';
      readonly caller: number;
      readonly resource: string;
      readonly lockName: string;
      readonly owner: Owner;
      /** The destination's name or number, for `open`; null otherwise. */
      readonly to: string | null;
      /** How long an offer stands, for `open`; how long to wait otherwise. Null = for ever. */
      readonly waitMs: number | null;
    }
  /** An operator vouches that nothing needs this unexplained orphan any more. */
  | {
      readonly kind: 'release-orphan';
      readonly caller: number;
      readonly lockName: string;
      readonly mode: LockMode;
      /** How many of that name and mode there must be; null = any number. */
      readonly expect: number | null;
      readonly reason: string;
      /** Who asks, in the words of whoever asks; null when that was not said. */
      readonly by: string | null;
    }
  /** The caller of an acquire or release no longer wants the answer. */
  | { readonly kind: 'caller-gone'; readonly caller: number }
  | { readonly kind: 'owner-ended'; readonly owner: Owner }
  | { readonly kind: 'stop'; readonly caller: number; readonly locks: 'refuse' | 'release' | 'keep' }
  | {
      readonly kind: 'view';
      readonly members: readonly GroupMember[];
      readonly left: readonly (GroupMember & { readonly reason: LeaveReason })[];
      readonly joined: readonly (GroupMember & { readonly reason: LeaveReason })[];
    }
  | { readonly kind: 'ring'; readonly ring: Ring }
  | { readonly kind: 'message'; readonly from: GroupMember; readonly envelope: Envelope }
  /** Bytes in the group that are no message of ours. */
  | { readonly kind: 'garbage'; readonly from: GroupMember; readonly reason: string }
  /** A message of a daemon with which this one has no protocol in common. */
  | {
      readonly kind: 'foreign-protocol';
      readonly from: GroupMember;
      readonly range: ProtocolRange;
      readonly reason: string;
    }
  | { readonly kind: 'group-joining'; readonly self: GroupMember }
  | { readonly kind: 'group-lost'; readonly reason: string }
  | {
      readonly kind: 'quorum';
      readonly quorate: boolean;
      readonly nodeIds: readonly number[];
      /** The ring that this is about; absent where it is not known. */
      readonly ring?: Ring;
    }
  | { readonly kind: 'quorum-away'; readonly reason: string }
  /** While a node is down: what dlm_controld says of its fencing; null when it does not answer. */
  | { readonly kind: 'fencing'; readonly facts: FencingFacts | null }
  /** Something the operator should know for as long as `text` is not null. */
  | { readonly kind: 'warning'; readonly topic: string; readonly text: string | null }
  | { readonly kind: 'tick' };
