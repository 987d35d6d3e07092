import type { HandoverRole, HandoverStep } from './handover.js';
import type { LockMode } from './mode.js';
import type { Owner } from './owner.js';

/** How far this node can vouch for the locks of its owners. */
export type Standing =
  /** The list is being read and locks are being adopted. */
  | { readonly kind: 'starting'; readonly waitingFor: string }
  | { readonly kind: 'ok' }
  /** No quorum: no acquire, holders keep what they hold. */
  | { readonly kind: 'no-quorum' }
  /** The lockspace is stopped until what `waitingFor` says has happened. */
  | { readonly kind: 'recovering'; readonly waitingFor: string }
  /** Cut off from corosync or dlm_controld: protection can no longer be vouched for. */
  | { readonly kind: 'isolated'; readonly reason: string };

/**
 * What is known of a peer's daemon and node. Only `recovered` (and `left` without kept locks)
 * means that its locks are gone.
 */
export type PeerState =
  /** Its manifest is on its way. */
  | 'joining'
  | 'synced'
  /** What we have of its manifest is known to be old; a transfer is under way. */
  | 'stale'
  /** It said goodbye. */
  | 'left'
  /** Its daemon is gone, its node is not: its locks still hold. */
  | 'daemon-down'
  /** Its node left the ring, fate unknown: its locks still hold. */
  | 'node-down'
  /** Every lockspace has recovered without it: its locks are gone. */
  | 'recovered';

export interface NodeView {
  readonly id: number;
  readonly name: string;
  readonly self: boolean;
  /** For this node itself: `synced` while it is in the group, otherwise `daemon-down`. */
  readonly state: PeerState;
  /** When that state began, ISO 8601. */
  readonly since: string;
  readonly incarnation: string | null;
  readonly bootId: string | null;
  /** How many locks its last manifest lists. */
  readonly locks: number;
  /** The protocols that its daemon speaks; null while it has not told. */
  readonly protocol: { readonly min: number; readonly max: number } | null;
  /** What is waited for or wrong with it, in a sentence; null when nothing is. */
  readonly note: string | null;
}

/** What a node last told of its locks, kept when it is gone: what died with it. */
export interface LastManifest {
  readonly node: NodeView;
  /** Its count of changes; 0 when a newer one was announced and has not arrived. */
  readonly manifestVersion: number;
  /** In the states that the node told; waiting ones included. */
  readonly locks: readonly LockView[];
}

export type LockState =
  /** Asked of the kernel without waiting, or about to be. */
  | 'taking'
  /** In the kernel's queue behind others. */
  | 'waiting'
  | 'held'
  | 'releasing'
  /** Held by the kernel for a daemon or child that is away; adopted when it returns. */
  | 'orphaned'
  /** An orphan that no list explains: kept, shown, released only by hand. */
  | 'quarantined'
  /** Was held, is no more, without having been released: protection is gone. */
  | 'lost';

/** A handover as the node of that lock tells it. */
export interface HandoverView {
  readonly role: HandoverRole;
  readonly step: HandoverStep;
  /** The node at the other end. */
  readonly node: { readonly id: number; readonly name: string };
  /** When this end began to take part, ISO 8601. */
  readonly since: string;
}

export interface LockView {
  readonly resource: string;
  readonly lockspace: string;
  /** The one that is held, also while a convert waits. */
  readonly mode: LockMode;
  /** The mode that its owner waits for beside that; null without a convert. */
  readonly converting: LockMode | null;
  readonly state: LockState;
  /** Null for a quarantined lock: nobody knows. */
  readonly owner: Owner | null;
  readonly node: { readonly id: number; readonly name: string };
  /** The state of that node as this one knows it; what it says of the lock is as old as that. */
  readonly nodeState: PeerState;
  /** The fencing token of an exclusive grant: higher than every earlier one; null without one. */
  readonly generation: number | null;
  /** When the lock came into this state, ISO 8601, by its own node's clock. */
  readonly since: string;
  /** How it is handed over to or from another node; absent in rest. */
  readonly handover?: HandoverView | undefined;
  /** What a reader should know beyond the fields, in a sentence; null when nothing. */
  readonly note: string | null;
}

/** A lock that no list explains, with what it does to others. */
export interface OrphanView {
  readonly lock: LockView;
  /** The modes in which nobody can take the resource for as long as this lock is there. */
  readonly blocks: readonly LockMode[];
  /** Who is known to wait for the resource, on any node. */
  readonly waiting: readonly LockView[];
}

/** What somebody else said of an attempt to fence a node. It proves nothing. */
export interface FencingHint {
  /** When it was heard, ISO 8601. */
  readonly at: string;
  /** The victim's name as it was told, and its id where that name is known. */
  readonly node: string;
  readonly nodeId: number | null;
  /** Such as `reboot`. */
  readonly operation: string;
  readonly succeeded: boolean;
  /** How dlm_controld stood to that node just then; `unknown` when it did not say. */
  readonly controller: 'none' | 'needed' | 'in-progress' | 'unknown';
}

/** One owner's lock on this node, for who asks for just that. */
export interface OwnLockView {
  /** `none`: this owner has nothing of it here. */
  readonly state: LockState | 'none';
  /** The lock; null for `none`. */
  readonly lock: LockView | null;
  readonly standing: Standing;
}

export interface StatusView {
  readonly node: { readonly id: number | null; readonly name: string };
  readonly incarnation: string;
  readonly bootId: string;
  readonly version: string;
  readonly lockspace: string;
  readonly group: string;
  readonly standing: Standing;
  readonly quorate: boolean | null;
  /** Node ids in the quorum membership. */
  readonly quorumNodes: readonly number[];
  readonly locks: {
    readonly held: number;
    readonly waiting: number;
    readonly other: number;
    /** Those of the others that no list explains: kept until they are released by hand. */
    readonly quarantined: number;
  };
  /** This node's locks that are gone from the kernel and that their owners have not given up. */
  readonly lost: readonly LockView[];
  /** What was heard of fencing, oldest first. */
  readonly fencingHints: readonly FencingHint[];
  /** What the operator should know, each with what to do. */
  readonly warnings: readonly string[];
  /** Things that were dropped or retried, by name, since the daemon started. */
  readonly counters: Readonly<Record<string, number>>;
}

/** What `watch` streams, oldest first. */
export type CoordinatorEvent = {
  /** ISO 8601, this node's clock. */
  readonly at: string;
} & (
  | { readonly type: 'standing'; readonly standing: Standing }
  | { readonly type: 'node'; readonly node: NodeView }
  /** `gone` = released, cancelled or given up. */
  | { readonly type: 'lock'; readonly lock: LockView; readonly gone: boolean }
);
