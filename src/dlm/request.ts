/** The six modes, weakest first. Everyone uses EX and PR; the rest is for those who know DLM. */
export type LockMode = 'NL' | 'CR' | 'CW' | 'PR' | 'PW' | 'EX';

/**
 * Names one lock of one open lockspace, from `take` or `adopt` until it is unlocked or the
 * lockspace is lost. Ours, never reused; the kernel's lkid is reused at once and is no identity.
 */
export type LockId = number & { readonly brand: 'LockId' };

/**
 * What a request may ask for beside its mode, under DLM's own names. Each of them was seen to work
 * on Linux 6.1 and 6.12; NODLCKBLK and TIMEOUT of libdlm.h do nothing there and are not offered.
 *
 * - `QUECVT`: a convert goes behind those that wait already. A take from the kernel's NL lock has
 *   it by default, so that who waits is served in order.
 * - `HEADQUE`: enters the queue at its head; a waiting take then has no `QUECVT`.
 * - `NOORDER`: granted as soon as it is compatible, whoever waits before it. Starves the others.
 * - `NOQUEUEBAST`: holders are told also of a request that does not wait.
 * - `CONVDEADLK`: in a conversion deadlock the mode that is held is given up (NL) instead of a
 *   refusal; `demoted` then tells that someone else may have had the lock meanwhile.
 *   Needs `wait`, and a lock that is held already.
 * - `NODLCKWT`: waits also where the kernel sees a conversion deadlock.
 * - `ALTPR`, `ALTCW`: grants PR, or CW, where the asked mode cannot be granted; see `Grant.mode`.
 */
export type LockFlag =
  | 'QUECVT' | 'HEADQUE' | 'NOORDER' | 'NOQUEUEBAST' | 'CONVDEADLK' | 'NODLCKWT' | 'ALTPR'
  | 'ALTCW';

export interface TakeRequest {
  /** The name in the lockspace: 1 to 64 bytes of UTF-8. */
  readonly resource: string;
  readonly mode: LockMode;
  /** Wait in the kernel's queue, or be refused at once with `WOULD_BLOCK`. */
  readonly wait: boolean;
  /**
   * True (the default): the lock outlives its process as an orphan, which excludes others until it
   * is adopted. False: it is unlocked when its process ends, however that ends.
   */
  readonly persistent?: boolean;
  /** `read` gives the lock value block in the grant. */
  readonly value?: 'read';
  readonly flags?: readonly LockFlag[];
}

/**
 * The lock value block of a resource: 32 bytes that travel with its locks.
 *
 * Hazard: it lives only as long as any lock on the resource does, NL included. One that was never
 * written, or whose resource was forgotten, reads as zeros **with `valid` true**. And `valid` true
 * proves little after the death of a node: when that node was also the resource's master and its
 * only holder, the next one reads zeros without a warning. Put a magic and a version into it.
 */
export interface LockValue {
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /**
   * False (VALNOTVALID) after `invalidate`, and when someone who could write it has died: a node,
   * or a process with a lock in PW or EX that was not persistent.
   */
  readonly valid: boolean;
}

/** What a take or a convert was given. */
export interface Grant {
  /** The mode that is held now; another than the asked one only with `ALTPR` or `ALTCW`. */
  readonly mode: LockMode;
  /** What was read; null unless it was asked for. */
  readonly value: LockValue | null;
  /** The held mode was given up on the way, by `CONVDEADLK`. */
  readonly demoted: boolean;
}

export interface Take {
  /** Known at once, so that a waiting take can be cancelled. */
  readonly id: LockId;
  /**
   * Settles once. Rejects with DlmError `WOULD_BLOCK`, `CANCELED`, `DEADLOCK`, `CHILD_LOST` …;
   * after a rejection nothing of this take is left in the kernel, except after `CHILD_LOST`,
   * which leaves an orphan in NL or in the wanted mode.
   */
  readonly granted: Promise<Grant>;
}

/**
 * What a convert or unlock does to the lock value block.
 * - `read`: only in a convert to a stronger mode, or from NL, CR, CW or PR to the same mode.
 * - bytes, 32 of them: written. Only from PW or EX, and not in a convert from PW to EX.
 * - `invalidate`: who reads it next finds `valid` false. Under the same condition as a write.
 *
 * Other combinations are refused with `BAD_REQUEST`: the kernel would do nothing, or the opposite.
 */
export interface ConvertRequest {
  readonly mode: LockMode;
  readonly wait: boolean;
  readonly value?: 'read' | 'invalidate' | Uint8Array;
  readonly flags?: readonly LockFlag[];
}

/**
 * Hazard: with a value, and of a lock that was granted with `value: 'read'` in PW or EX, the lock
 * goes to NL first, since an unlock by libdlm cannot carry a value. Should the unlock after that
 * fail, which its message says, the lock is still there but excludes nobody any more.
 */
export interface UnlockRequest {
  /** Written, or invalidated, with the unlock; only from PW or EX. */
  readonly value?: 'invalidate' | Uint8Array;
  /**
   * Unlocks also while a convert or a take of this lock waits, which then rejects with `CANCELED`
   * (FORCEUNLOCK). False by default: such an unlock is refused.
   */
  readonly force?: boolean;
}

/** Which orphans `purge` drops. */
export interface PurgeRequest {
  /** Whose orphans; this node's own by default. Another node's are dropped there. */
  readonly nodeId?: number;
  /** Of this thread only; all by default. The id is a thread's, see `LocalLock.ownerPid`. */
  readonly pid?: number;
}

export interface ReleaseRequest {
  /**
   * Leaves although this node has locks or orphans in the lockspace, **and drops them without a
   * word**, whoever relies on them. False by default.
   */
  readonly force?: boolean;
}

/** How a lockspace is made when this node is the one to make it. */
export interface OpenRequest {
  /**
   * - `NODIR`: no directory of masters; a name's master follows from its hash. All nodes must ask
   *   for it, or none.
   * - `NEWEXCL`: fail with `LOCKSPACE_EXISTS` when this node is in the lockspace already.
   */
  readonly flags?: readonly LockspaceFlag[];
  /**
   * Wait until no other process of this binding on this node has locks in the lockspace; reject
   * with `LOCKSPACE_BUSY` after a while. True by default, for a daemon that is the only one: its
   * predecessor may still be dying inside the kernel, and until then its locks are no orphans.
   * False for programs that share a lockspace on one node.
   */
  readonly awaitPredecessors?: boolean;
}

export type LockspaceFlag = 'NODIR' | 'NEWEXCL';
