import type { EventEmitter } from 'eventemitter3';
import type { AwaitedEvent, ClusterView } from './cluster-view.js';
import type { DlmError } from './error.js';
import type {
  ConvertRequest, Grant, LockId, LockMode, OpenRequest, PurgeRequest, ReleaseRequest, Take,
  TakeRequest, UnlockRequest,
} from './request.js';
import type { KernelResource, ReplyWait } from './resource.js';

export type * from './cluster-view.js';
export type * from './request.js';
export type * from './resource.js';

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
      readonly for: AwaitedEvent;
      readonly members: readonly number[];
    }
  | { readonly kind: 'abandoned'; readonly reason: string }
  | { readonly kind: 'absent' };

/**
 * An operation that has not come back for a while and stands in no queue.
 *
 * `inKernel` is the one that the child is really stuck in: it is single-threaded, so all others
 * wait behind that one. None has it when the child waits for an answer of another node.
 */
export interface StalledOperation {
  readonly operation: string;
  readonly resource: string;
  readonly forMs: number;
  /** Where the child stands inside the kernel; null for an operation that only waits behind. */
  readonly inKernel: KernelStay | null;
}

/** A stay of the child in a call of the kernel. */
export interface KernelStay {
  /** How long this very call has been under way, in ms, as far as it was watched. */
  readonly forMs: number;
  /** The state of proc(5): `D` cannot be killed, `S` waits, `R` runs; null when not readable. */
  readonly processState: string | null;
  /** The kernel function that it sleeps in, such as `dlm_lock`; null when the kernel hides it. */
  readonly waitsIn: string | null;
}

export interface LockspaceEvents {
  /**
   * Someone waits, in this mode, for what this lock excludes (a blocking AST). The mode is null
   * where it cannot be known.
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

/** The versions of the interface that the kernel and the library speak, such as `6.0.2`. */
export interface DlmVersions {
  readonly kernel: string;
  readonly library: string;
}

/** One open lockspace. All calls reject with DlmError; none blocks the event loop. */
export interface Lockspace extends EventEmitter<LockspaceEvents> {
  readonly name: string;
  /**
   * Takes a lock, a persistent one unless asked otherwise: a new NL request without PERSISTENT,
   * then CONVERT|PERSISTENT to the mode, since a *new* persistent request that is still queued
   * when its process dies leaves a dead lock that crashes the kernel at the next purge. One that
   * is not persistent is a single request.
   *
   * Never throws: what is wrong with the request is told by `granted`.
   */
  take(request: TakeRequest): Take;
  /**
   * Converts a held lock, which stays as persistent as it was. Rejects as `take`; the old mode is
   * kept then, except that `CONVDEADLK` may have given it up for NL.
   */
  convert(id: LockId, request: ConvertRequest): Promise<Grant>;
  /**
   * Asks the kernel to cancel a waiting take or convert. The grant may win the race: what was
   * decided is told by the promise of the take or convert, never by this one.
   */
  cancel(id: LockId): Promise<void>;
  /**
   * As `cancel`, but what waited is told `DEADLOCK`: the tool of a deadlock detector of one's own.
   * The kernel finds conversion deadlocks on one resource only. Where the request is still on its
   * way to a far master it is told `CANCELED` instead.
   * @see dlm_ls_deadlock_cancel in libdlm.h
   */
  deadlockCancel(id: LockId): Promise<void>;
  /** Unlocks; resolves when the kernel has confirmed it. Safe on a void id: `UNKNOWN_LOCK`. */
  unlock(id: LockId, request?: UnlockRequest): Promise<void>;
  /**
   * Takes over an orphan of this node by exact name and granted mode (ORPHAN|PERSISTENT); the
   * kernel answers at once. Rejects with `NO_ORPHAN` or `OTHER_MODE`. Reads no lock value block: to
   * see it, take NL with `value: 'read'` beside it.
   */
  adopt(request: { readonly resource: string; readonly mode: LockMode }): Promise<LockId>;
  /**
   * Drops orphans without a word, whatever they protect. Holdfast itself never does this.
   *
   * Hazard: a *new* request that is PERSISTENT and was still queued when its process died leaves a
   * dead lock among the orphans, and a purge that meets it **crashes the kernel** (seen on 6.1 and
   * 6.12). Locks of this binding never get there; those of other programs may. With the pid of the
   * caller's own process the kernel drops locks that are in use, so that is refused.
   * @see dlm_ls_purge in libdlm.h
   */
  purge(request?: PurgeRequest): Promise<void>;
  /**
   * All locks of this node in the lockspace, from the kernel. Rejects with `NO_PERMISSION` or
   * `KERNEL` where debugfs is not to be had.
   */
  localLocks(): Promise<readonly LocalLock[]>;
  /**
   * The resources that this node knows: who holds and who waits, in the order of the queues, for
   * those that it is master of. Rejects as `localLocks`.
   */
  resources(): Promise<readonly KernelResource[]>;
  /** What this node's kernel has asked others and has no answer to. Rejects as `localLocks`. */
  replyWaits(): Promise<readonly ReplyWait[]>;
  /** Asks the child, so it hangs when the child hangs. */
  versions(): Promise<DlmVersions>;
  /**
   * Leaves the lockspace cluster-wide on this node, and verifies it. Rejects with
   * `LOCKSPACE_BUSY` and changes nothing while locks (orphans too) remain, unless forced, and while
   * another program of this node has the lockspace open, also when forced.
   */
  release(request?: ReleaseRequest): Promise<void>;
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
  openLockspace(name: string, request?: OpenRequest): Promise<Lockspace>;
  /**
   * How the lockspace stands on this node. Never asks the child, so it answers while libdlm
   * hangs. Works before the lockspace is opened and after it is lost.
   */
  lockspaceState(name: string): Promise<LockspaceState>;
  /** What the lock manager's own daemon says. Rejects with `NO_DAEMON` while it is away. */
  controllerView(): Promise<ControllerView>;
  /**
   * The cluster as dlm_controld sees it: lockspaces, nodes, who must be fenced, what is waited for.
   * Rejects with `NO_DAEMON` while it is away. Costs three runs of dlm_tool: not for polling often.
   */
  clusterView(): Promise<ClusterView>;
  /** Ends the child; every lock that is still held becomes an orphan of this node. */
  close(): Promise<void>;
}
