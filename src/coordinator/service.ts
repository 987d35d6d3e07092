import type { Explanation } from './core/explain.js';
import type { LockMode } from './core/mode.js';
import type { Owner } from './core/owner.js';
import type {
  CoordinatorEvent, FencingHint, LastManifest, LockView, NodeView, OrphanView, OwnLockView,
  StatusView,
} from './core/view.js';

export interface AcquireRequest {
  /** The resource's clear name; see `resource-name.ts` for the rule. */
  readonly resource: string;
  readonly mode: LockMode;
  readonly owner: Owner;
  /** How long to wait for the grant, in ms: 0 = not at all, null = for ever. */
  readonly waitMs: number | null;
  /** Aborted when the caller goes away: a waiting acquire is then cancelled. */
  readonly signal: AbortSignal;
}

export interface AcquireResult {
  readonly lock: LockView;
  /** False when this owner held it already, in whatever mode. */
  readonly acquired: boolean;
  /**
   * The weaker mode that it was held in, when this call brought a stronger one. `lock.mode` covers
   * both the mode that was held and the one that was asked for.
   */
  readonly convertedFrom: LockMode | null;
}

export interface ConvertRequest {
  readonly resource: string;
  /** Stronger or weaker than the mode that is held. */
  readonly mode: LockMode;
  readonly owner: Owner;
  /** As in an acquire. A convert to a weaker mode does not wait for anybody. */
  readonly waitMs: number | null;
  /** Aborted when the caller goes away: a convert that waits is then cancelled. */
  readonly signal: AbortSignal;
}

export interface ConvertResult {
  readonly lock: LockView;
  /** What it was held in before. */
  readonly from: LockMode;
  /** False when it was held in that mode already. */
  readonly converted: boolean;
  /**
   * True when it is accepted and will be finished when the lockspace runs again; only to a mode
   * that gives protection up, and its owner must count on having the weaker one from now on.
   */
  readonly pending: boolean;
}

export interface AcquireSetRequest {
  /** 2 to 64 resources, none twice; in any order. */
  readonly members: readonly { readonly resource: string; readonly mode: LockMode }[];
  readonly owner: Owner;
  /** For all of them together, in ms: 0 = not at all, null = for ever. */
  readonly waitMs: number | null;
  /** Aborted when the caller goes away: what was taken already is then given back. */
  readonly signal: AbortSignal;
}

export interface AcquireSetResult {
  /** One for each member, in the order in which they were asked for. */
  readonly members: readonly AcquireResult[];
}

export interface ReleaseRequest {
  readonly resource: string;
  readonly owner: Owner;
  /** Aborted when the caller no longer waits for the answer; the release goes on. */
  readonly signal: AbortSignal;
}

export interface ReleaseResult {
  /** False when nothing was held: a release is idempotent. */
  readonly released: boolean;
  /** True when it is accepted and will be finished when the lockspace runs again. */
  readonly pending: boolean;
}

export type HandoverAction = 'open' | 'join' | 'finish' | 'abort';

export interface HandoverRequest {
  readonly action: HandoverAction;
  readonly resource: string;
  /** Of the lock at both ends; a named one. */
  readonly owner: Owner;
  /** For `open`: the destination, by its node's name or number; null otherwise. */
  readonly to: string | null;
  /**
   * In ms. For `open`: how long the offer stands when nobody joins it; null = a minute. For the
   * others: how long to wait for the step; null = for ever. An abort or finish goes on after that.
   */
  readonly waitMs: number | null;
  /** Aborted when the caller goes away: only a join that was not confirmed is then undone. */
  readonly signal: AbortSignal;
}

export interface HandoverResult {
  /**
   * `offered`: the other node may join. `joined`: both have it. `exclusive`: it is this node's
   * alone. `released`: this node has nothing of it any more.
   */
  readonly at: 'offered' | 'joined' | 'exclusive' | 'released';
  /** The lock on this node; null when it has none. */
  readonly lock: LockView | null;
}

export interface ReleaseOrphanRequest {
  /** The name as it is shown, which may be the hash of a longer one; or that longer one. */
  readonly resource: string;
  /** The very mode that it is held in. */
  readonly mode: LockMode;
  /**
   * How many of that name and mode there must be, or nothing is released: so that a request that
   * is repeated after it was done does not take the next one. Null = any number.
   */
  readonly expect: number | null;
  /** Why nothing needs it any more; logged and listed. */
  readonly reason: string;
  /** Who asks, in the words of whoever asks; null = not said. */
  readonly by: string | null;
  /** True to be told what would be released, and change nothing. */
  readonly dryRun: boolean;
  /** Aborted when the caller no longer waits for the answer; the release goes on. */
  readonly signal: AbortSignal;
}

export interface ReleaseOrphanResult extends ReleaseResult {
  readonly dryRun: boolean;
  /** The orphan as it was when this was asked. */
  readonly orphan: OrphanView;
  /** How many more of that name and mode there are; each is released by a request of its own. */
  readonly others: number;
}

/** What somebody outside, such as a Pacemaker alert, says of an attempt to fence. */
export interface FencingReport {
  /** The victim, by the name that its cluster manager gives it. */
  readonly node: string;
  /** Such as `reboot` or `off`, in the words of who reports. */
  readonly operation: string;
  readonly succeeded: boolean;
}

/**
 * What a clean stop does with held locks: refuse while there are any, release them (their
 * protection ends), or keep them as orphans that the next start adopts.
 */
export type StopLocks = 'refuse' | 'release' | 'keep';

/**
 * What the control API serves. Every answer but acquire, convert and release comes from memory at
 * once, whatever state the cluster is in. Rejects with CoordinatorError.
 */
export interface CoordinatorService {
  status(): StatusView;
  nodes(): readonly NodeView[];
  /** All locks that this node knows of, of every node; in the order of resource, then node. */
  locks(): readonly LockView[];
  /**
   * Why a resource is or is not to be had, in sentences, from manifests, this node's kernel and
   * dlm_controld. Answers within seconds, whatever hangs. Rejects when the name is not allowed.
   */
  explain(resource: string): Promise<Explanation>;
  /**
   * What a node, by name or id, last told of its locks: what died with it, when it is dead. Throws
   * `NOT_HELD` for this node itself and for one that was never heard of.
   */
  lastManifest(node: string): LastManifest;
  acquire(request: AcquireRequest): Promise<AcquireResult>;
  /**
   * Takes all of them or none: when one is refused, what was taken is given back before this
   * rejects. What the owner held before is confirmed, and stays whatever happens.
   */
  acquireSet(request: AcquireSetRequest): Promise<AcquireSetResult>;
  /**
   * Gives a held lock another mode. When that is refused or not granted in time, the lock stays in
   * the mode it had; the error says who is in the way. Rejects with `NOT_HELD` without a lock, and
   * with `DEADLOCK` where somebody who waits is kept out by the mode that is held.
   */
  convert(request: ConvertRequest): Promise<ConvertResult>;
  release(request: ReleaseRequest): Promise<ReleaseResult>;
  /** One owner's lock on this node, from memory: cheap enough to be asked every second. */
  ownLock(resource: string, owner: Owner): OwnLockView;
  /**
   * Hearsay of fencing: dlm_controld is asked at once, and only its word changes anything. Answers
   * within seconds, whatever hangs.
   */
  hintFencing(report: FencingReport): Promise<FencingHint>;
  /**
   * One step of a handover from this node to another or the other way round, during which nobody
   * else can have the resource. At the source: `open` offers its EX lock to a node, `finish` gives
   * it up there when the other has joined, `abort` takes it back. At the destination: `join` takes
   * part, `finish` waits until it has the lock alone, `abort` asks the source to take it back,
   * which decides. Each may be repeated.
   */
  handover(request: HandoverRequest): Promise<HandoverResult>;
  /** The locks that no list explains, of every node that this one knows. */
  orphans(): readonly OrphanView[];
  /** Releases one such lock of this node: whatever still writes under it is unprotected then. */
  releaseOrphan(request: ReleaseOrphanRequest): Promise<ReleaseOrphanResult>;
  /** Stops the daemon cleanly. Rejects with `LOCKS_HELD` and goes on running when it may not. */
  stop(locks: StopLocks): Promise<{ readonly kept: number }>;
  /** Calls back for every event from now on, until the returned function is called. */
  subscribe(listener: (event: CoordinatorEvent) => void): () => void;
}
