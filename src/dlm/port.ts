import type { EventEmitter } from 'eventemitter3';
import type { DlmError } from './error.js';

/** The six modes, weakest first. Everyone uses EX and PR; the rest is for those who know DLM. */
export type LockMode = 'NL' | 'CR' | 'CW' | 'PR' | 'PW' | 'EX';

/**
 * Names one lock of one open lockspace, from `take` or `adopt` until it is unlocked or the
 * lockspace is lost. Ours, never reused; the kernel's lkid is reused at once and is no identity.
 */
export type LockId = number & { readonly brand: 'LockId' };

export interface TakeRequest {
  /** The name in the lockspace: 1 to 64 bytes of UTF-8. */
  readonly resource: string;
  readonly mode: LockMode;
  /** Wait in the kernel's convert queue, or be refused at once with `WOULD_BLOCK`. */
  readonly wait: boolean;
}

export interface Take {
  /** Known at once, so that a waiting take can be cancelled. */
  readonly id: LockId;
  /**
   * Settles once. Rejects with DlmError `WOULD_BLOCK`, `CANCELED`, `DEADLOCK`, `CHILD_LOST` …;
   * after a rejection nothing of this take is left in the kernel, except after `CHILD_LOST`,
   * which leaves an orphan in NL or in the wanted mode.
   */
  readonly granted: Promise<void>;
}

export interface ConvertRequest {
  readonly mode: LockMode;
  readonly wait: boolean;
}

/** A lock of this node as the kernel shows it; whatever cannot be known is null. */
export interface LocalLock {
  readonly lkid: number;
  readonly resource: string;
  readonly granted: LockMode;
  /** The mode asked for while waiting or converting. */
  readonly requested: LockMode | null;
  readonly status: 'waiting' | 'granted' | 'converting';
  /** The thread that took it; 0 when unknown. */
  readonly ownerPid: number;
  /** True when no live process owns it: it persists until adopted, or the node leaves. */
  readonly orphan: boolean;
}

/**
 * How a lockspace stands.
 * - `running`: requests are served. `members` are the node ids of the last completed change.
 * - `waiting`: the kernel has stopped it; requests would block until `for` has happened.
 * - `abandoned`: dlm_controld is away while the lockspace exists: nobody vouches for it any more.
 * - `absent`: this node is not in it.
 */
export type LockspaceState =
  | { readonly kind: 'running'; readonly members: readonly number[] }
  | {
      readonly kind: 'waiting';
      readonly for: 'quorum' | 'fencing' | 'ring' | 'members' | 'recovery';
      readonly members: readonly number[];
    }
  | { readonly kind: 'abandoned'; readonly reason: string }
  | { readonly kind: 'absent' };

/** An operation that has been inside the kernel for a while. */
export interface StalledOperation {
  readonly operation: string;
  readonly resource: string;
  readonly forMs: number;
}

export interface LockspaceEvents {
  /**
   * Someone waits for what this lock excludes (a blocking AST). In which mode is null where it
   * cannot be known: libdlm keeps it from its callers.
   */
  blocking: [id: LockId, mode: LockMode | null];
  /** The state may have changed: read it again. A hint; states are also polled. */
  changed: [];
  /** Operations stuck in the kernel, longest first; empty when none is any more. */
  stalled: [operations: readonly StalledOperation[]];
  /**
   * The lockspace can no longer be used through this object: the child died. Every lock id is
   * void; what was granted is an orphan of this node now. Open the lockspace again and adopt.
   */
  lost: [cause: DlmError];
}

/** One open lockspace. All calls reject with DlmError; none blocks the event loop. */
export interface Lockspace extends EventEmitter<LockspaceEvents> {
  readonly name: string;
  /**
   * Takes a persistent lock: a new NL request without PERSISTENT, then CONVERT|PERSISTENT to the
   * mode, since a *new* persistent request that is still queued when its process dies leaves a
   * dead lock that crashes the kernel at the next purge.
   */
  take(request: TakeRequest): Take;
  /** Converts a held lock, keeping PERSISTENT. Rejects as `take`; the old mode is kept then. */
  convert(id: LockId, request: ConvertRequest): Promise<void>;
  /**
   * Asks the kernel to cancel a waiting take or convert. The grant may win the race: what was
   * decided is told by the promise of the take or convert, never by this one.
   */
  cancel(id: LockId): Promise<void>;
  /** Unlocks; resolves when the kernel has confirmed it. Safe on a void id: `UNKNOWN_LOCK`. */
  unlock(id: LockId): Promise<void>;
  /**
   * Takes over an orphan of this node by exact name and granted mode (ORPHAN|PERSISTENT); the
   * kernel answers at once. Rejects with `NO_ORPHAN` or `OTHER_MODE`.
   */
  adopt(request: { readonly resource: string; readonly mode: LockMode }): Promise<LockId>;
  /**
   * All locks of this node in the lockspace, from the kernel. Rejects with `NO_PERMISSION` or
   * `KERNEL` where debugfs is not to be had.
   */
  localLocks(): Promise<readonly LocalLock[]>;
  /**
   * Leaves the lockspace cluster-wide on this node, and verifies it. Rejects with
   * `LOCKSPACE_BUSY` and changes nothing while locks (orphans too) remain.
   */
  release(): Promise<void>;
  /** Closes without leaving: what is still held becomes orphans of this node. Idempotent. */
  close(): Promise<void>;
}

/** Whether dlm_controld fences before it lets go of a dead node's locks. */
export interface ControllerView {
  readonly fencing: boolean;
}

/**
 * The port to the distributed lock manager. Real side: the child process over libdlm, debugfs and
 * dlm_tool. Embedded side: the in-process engine.
 */
export interface LockManager {
  /** Opens the lockspace, creating or joining it first. Takes seconds on a cluster. */
  openLockspace(name: string): Promise<Lockspace>;
  /**
   * How the lockspace stands on this node. Never asks the child, so it answers while libdlm
   * hangs. Works before the lockspace is opened and after it is lost.
   */
  lockspaceState(name: string): Promise<LockspaceState>;
  /** What the lock manager's own daemon says. Rejects with `NO_DAEMON` while it is away. */
  controllerView(): Promise<ControllerView>;
  /** Ends the child; every lock that is still held becomes an orphan of this node. */
  close(): Promise<void>;
}
