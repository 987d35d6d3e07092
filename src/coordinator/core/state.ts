import type { GroupMember, ListCondition, LockspaceCondition } from './event.js';
import type { FencingFacts } from './fencing.js';
import { initialGenerations, type Generations } from './generations.js';
import type { Handover } from './handover.js';
import { Manifest } from './manifest.js';
import type { ManifestEntry, ProtocolRange, Ring } from './message.js';
import type { LockMode } from './mode.js';
import type { LockSet } from './lock-set.js';
import type { Owner } from './owner.js';
import type { Aftermath, Recheck } from './recheck-state.js';
import type { LockFacts } from './record.js';
import type { PeerState, Standing } from './view.js';

/** What never changes while the daemon runs. */
export interface Self {
  /** 0 until corosync has told. */
  nodeId: number;
  readonly nodeName: string;
  readonly incarnation: string;
  readonly bootId: string;
  readonly lockspace: string;
  readonly group: string;
  readonly softwareVersion: string;
}

/** Someone who waits for the outcome of an acquire. */
export interface Caller {
  /** Negative for a set that waits for one of its members; see lock-set.ts. */
  readonly caller: number;
  /** False when it wants an answer at once. */
  readonly waits: boolean;
  /** Monotonic ms; null = for ever, which only one that waits may have. */
  readonly deadlineMs: number | null;
}

/** Someone who waits for the outcome of a release. */
export interface Releaser {
  readonly caller: number;
}

/** Someone who waits for a step of a handover on this node. */
export interface HandoverCaller {
  readonly caller: number;
  readonly action: 'open' | 'join' | 'finish' | 'abort';
  readonly resource: string;
  readonly lockName: string;
  readonly owner: Owner;
  /** Monotonic ms; null = for ever. */
  readonly deadlineMs: number | null;
}

/** What a lock was when the process that held it for us went away. */
export type FormerState = 'intent' | 'held' | 'converting' | 'releasing' | 'quarantined';

/**
 * Where a lock of this node stands. Each edge is one function in acquire.ts, convert.ts, release.ts
 * or reconcile.ts, whose docstring begins with it. `to`, where a phase has it, is the mode of a
 * convert that was asked of the kernel and has not been answered: the kernel may have the lock in
 * that mode instead of its facts'. Null without one.
 */
export type LockPhase =
  /** A waiting acquire that came while the lockspace was stopped: not asked of the kernel yet. */
  | { readonly kind: 'parked'; readonly callers: readonly Caller[] }
  /**
   * Asked of the kernel. `cancelling`: a cancel is on its way; the grant may still win. After
   * `timeout` it is kept if a caller is still there; after `canceled` it is given back.
   */
  | {
      readonly kind: 'taking';
      readonly wait: boolean;
      readonly callers: readonly Caller[];
      readonly cancelling: 'no' | 'timeout' | 'canceled';
    }
  /**
   * Granted by the kernel in an exclusive mode, told to nobody yet: it waits for its generation.
   * `number` is there when the others have agreed to it and only our own disk has not.
   */
  | {
      readonly kind: 'claiming';
      readonly wait: boolean;
      readonly callers: readonly Caller[];
      readonly number: number | null;
      /** It stays without callers: adopted for an owner who asked an earlier run. */
      readonly isKept: boolean;
      /** The mode that its owner held before a convert, and goes back to; null for a take. */
      readonly from: LockMode | null;
    }
  /** Granted for a set that is not complete yet: still an intent in the list. */
  | { readonly kind: 'gathered' }
  | { readonly kind: 'held' }
  /**
   * Held in the mode of its facts, and converted to another. `from` was held at the beginning,
   * `goal` is what was asked for, `to` the next step there; see convert.ts. `parked`: not asked of
   * the kernel yet. After `timeout` and `canceled` a cancel is on its way; the grant may still win.
   */
  | {
      readonly kind: 'converting';
      readonly from: LockMode;
      readonly to: LockMode;
      readonly goal: LockMode;
      readonly wait: boolean;
      readonly callers: readonly Caller[];
      readonly progress: 'parked' | 'asked' | 'timeout' | 'canceled';
    }
  /** `asked`: the unlock is in the kernel; otherwise it waits for the lockspace to run. */
  | {
      readonly kind: 'releasing';
      readonly asked: boolean;
      readonly why: string;
      readonly to: LockMode | null;
      readonly releasers: readonly Releaser[];
    }
  /** In the kernel or not: to be found out, by adoption. */
  | {
      readonly kind: 'orphaned';
      readonly was: FormerState;
      readonly to: LockMode | null;
      readonly callers: readonly Caller[];
    }
  /** `mode` is the one the kernel has it in. */
  | {
      readonly kind: 'adopting';
      readonly was: FormerState;
      readonly to: LockMode | null;
      readonly mode: LockMode;
      readonly callers: readonly Caller[];
      /** A step up whose callers left during the adoption: its grant is not kept. */
      readonly isGivenUp?: boolean;
    }
  | { readonly kind: 'quarantined' };

export interface OwnLock {
  /** Replaced as a whole when a convert changes the mode. */
  facts: LockFacts;
  phase: LockPhase;
  /** Of its exclusive grant, once it has one; null for a mode that others may share. */
  generation: number | null;
  /** On its way from or to another node; null in rest. See handover.ts. */
  handover: Handover | null;
  /** When the phase began, wall-clock ms. */
  sinceMs: number;
  /** What its `releasing` record in the list says; null while there is none. */
  releaseWhy: string | null;
}

/** A snapshot that is still arriving. */
export interface Assembly {
  readonly manifestVersion: number;
  readonly parts: number;
  readonly received: Map<number, readonly ManifestEntry[]>;
}

/** Another node, as far as its daemon and corosync have told. */
export interface Peer {
  readonly nodeId: number;
  name: string;
  state: PeerState;
  sinceMs: number;
  pid: number | null;
  incarnation: string | null;
  bootId: string | null;
  /** The last sequence number seen of this incarnation. */
  seq: number;
  manifestVersion: number;
  entries: Manifest;
  assembly: Assembly | null;
  /** Monotonic ms of the last manifest request to it; null when none is open. */
  requestedMs: number | null;
  /** What its goodbye said; null without one. */
  goodbye: { readonly keepsLocks: boolean } | null;
  /** Monotonic ms at which corosync reported its node gone; null while it is there. */
  nodeDownMs: number | null;
  /** What was granted here since then of what it held: said once for each resource. */
  readonly inherited: Set<string>;
  /** The protocols that its daemon speaks, as far as it has told. */
  protocol: ProtocolRange | null;
  /** Monotonic ms at which it came into the group; see ghosts.ts. */
  joinedMs: number;
  /** Monotonic ms of its last message that counted; null: none since it joined. */
  heardMs: number | null;
  /** Monotonic ms since when the quorum service lacks the node of a member; null: it does not. */
  missingMs: number | null;
  /** The process that corosync shows as a member although its node has gone; null without. */
  ghostPid: number | null;
  /** Whether its silence since it joined was complained of. */
  isSilenceTold: boolean;
}

/** A refusal that waits a moment for the manifest that names the holder. */
export interface UnexplainedRefusal {
  readonly caller: number;
  readonly code: 'HELD' | 'TIMEOUT';
  readonly resource: string;
  readonly mode: LockMode;
  /** The caller's own lock, which is not in its way; null when it has none. */
  readonly except: number | null;
  /** The mode that it keeps; null when it has none. */
  readonly kept: LockMode | null;
  readonly deadlineMs: number;
}

export type GroupLink =
  | { readonly kind: 'away'; readonly reason: string }
  | { readonly kind: 'joining'; readonly self: GroupMember; readonly ring: Ring | null }
  | {
      readonly kind: 'joined';
      readonly self: GroupMember;
      readonly ring: Ring | null;
      /** All processes in the group, strangers too. */
      readonly members: readonly GroupMember[];
    };

/** Locks of one resource, by id: the one that is being adopted, and those after it. */
export interface AdoptionQueue {
  current: number | null;
  readonly rest: number[];
}

/** The locks at this end: not open yet, being adopted, or usable. */
export type LockspaceLink =
  | { readonly kind: 'closed'; readonly reason: string }
  | {
      readonly kind: 'adopting';
      readonly open: Set<number>;
      /** By resource: its locks that are adopted one after another; see reconcile.ts. */
      readonly queued: ReadonlyMap<string, AdoptionQueue>;
    }
  /** `hasRun`: it was seen running since, so that its absence is news. */
  | { readonly kind: 'open'; readonly hasRun: boolean };

export type Life =
  | { readonly kind: 'starting'; readonly waitingFor: string }
  | { readonly kind: 'running' }
  | { readonly kind: 'stopping'; readonly caller: number; readonly keep: boolean }
  | { readonly kind: 'stopped' };

/** The quorum service's last word. */
export interface QuorumNews {
  readonly quorate: boolean;
  readonly nodeIds: readonly number[];
  /** The ring that it is about, which may be older or newer than the group's. */
  readonly ring: Ring | null;
}

/** All that the core knows. Owned by `step`: nobody else changes it. */
export interface State {
  readonly self: Self;
  wallMs: number;
  monotonicMs: number;
  life: Life;
  group: GroupLink;
  /** When this node last joined or lost its group, wall-clock ms. */
  selfSinceMs: number;
  lockspaceLink: LockspaceLink;
  /** Which opening of the lockspace this is, from 1; 0 before the first. */
  opening: number;
  condition: LockspaceCondition;
  /** The lock manager's process hangs, as far as is known. */
  isStalled: boolean;
  list: ListCondition;
  quorum: QuorumNews | null;
  standing: Standing;
  readonly locks: Map<number, OwnLock>;
  /** The ids of own locks by resource. */
  readonly idsByResource: Map<string, Set<number>>;
  /** The ids of own locks that callers may be waiting for. */
  readonly waitingIds: Set<number>;
  /** The ids of own locks that wait for a generation, oldest first. */
  readonly claimingIds: Set<number>;
  /** The ids of own locks that are being handed over. */
  readonly handoverIds: Set<number>;
  /** Those who wait for a step of a handover. */
  handoverCallers: readonly HandoverCaller[];
  readonly generations: Generations;
  /** Monotonic ms of the last loss of a node that is not proven to be settled; null without. */
  lossMs: number | null;
  nextLockId: number;
  /** Sets that are being taken or rolled back, by number. */
  readonly sets: Map<number, LockSet>;
  manifestVersion: number;
  /** Ids whose manifest entry may have changed in this step. */
  readonly dirtyIds: Set<number>;
  /** The entries as last announced. */
  readonly announced: Manifest;
  /** Monotonic ms at which our snapshot was sent that has not come back yet; null without. */
  snapshotSentMs: number | null;
  /** Records may be missing from the list that was found; until the kernel's locks are known. */
  isListDamaged: boolean;
  digestDueMs: number;
  /** What dlm_controld last said of fencing while a node was down; null: not asked, or silent. */
  fencing: FencingFacts | null;
  /** Our own locks are being checked against the kernel; null while nothing is in question. */
  recheck: Recheck | null;
  /** Counts the readings of the kernel's table that were asked for. */
  recheckRound: number;
  aftermath: Aftermath;
  /** What was held when this node last missed what the others did. */
  heldAtGap: ReadonlyMap<number, LockPhase>;
  /** Somebody asked for our manifest while it was held back. */
  isSnapshotOwed: boolean;
  readonly peers: Map<number, Peer>;
  unexplained: UnexplainedRefusal[];
  /** The last other daemon of this node that was told that there is one. */
  greetedPid: number | null;
  readonly counters: Map<string, number>;
  /** Senders whose garbage was logged once. */
  readonly complainedOf: Set<string>;
  readonly warnings: Map<string, string>;
}

export function initialState(self: Self, wallMs: number, monotonicMs: number): State {
  const waitingFor = 'the lock list';
  return {
    self,
    wallMs,
    monotonicMs,
    life: { kind: 'starting', waitingFor },
    group: { kind: 'away', reason: 'not joined yet' },
    selfSinceMs: wallMs,
    lockspaceLink: { kind: 'closed', reason: 'not opened yet' },
    opening: 0,
    condition: { kind: 'absent' },
    isStalled: false,
    list: { kind: 'well' },
    quorum: null,
    standing: { kind: 'starting', waitingFor },
    locks: new Map(),
    idsByResource: new Map(),
    waitingIds: new Set(),
    claimingIds: new Set(),
    handoverIds: new Set(),
    handoverCallers: [],
    generations: initialGenerations(),
    lossMs: null,
    nextLockId: 1,
    sets: new Map(),
    manifestVersion: 1,
    dirtyIds: new Set(),
    announced: new Manifest(),
    snapshotSentMs: null,
    isListDamaged: false,
    digestDueMs: 0,
    fencing: null,
    recheck: null,
    recheckRound: 0,
    aftermath: 'none',
    heldAtGap: new Map(),
    isSnapshotOwed: false,
    peers: new Map(),
    unexplained: [],
    greetedPid: null,
    counters: new Map(),
    complainedOf: new Set(),
    warnings: new Map(),
  };
}

/** Adds one to a named counter, shown by `status`. */
export function count(state: State, name: string): number {
  const value = (state.counters.get(name) ?? 0) + 1;
  state.counters.set(name, value);
  return value;
}
