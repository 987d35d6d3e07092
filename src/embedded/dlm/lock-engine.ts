import type { Clock } from '../../clock.js';
import type { ClusterView, LockspaceState, LockspaceView } from '../../dlm/index.js';
import { TIMINGS_DEFAULT, type EmbeddedTimings } from '../options.js';
import { EmbeddedLockManager } from './embedded-lock-manager.js';
import { SharedLockspace, type Surroundings } from './shared-lockspace.js';

export interface LockEngineOptions {
  readonly clock: Clock;
  /** The nodes that take part; at first in one quorate ring. */
  readonly nodeIds: readonly number[];
  readonly timings?: Partial<EmbeddedTimings>;
  /**
   * Called once for each departed node; answer with `confirmFenced`. Without it every departed
   * node counts as fenced after `fencingMs`.
   */
  readonly fence?: (nodeId: number) => void;
  /** What `controllerView` says; true unless set. */
  readonly fencingEnabled?: boolean;
}

interface NodeFacts {
  ring: {
    readonly nodeIds: readonly number[];
    readonly quorate: boolean;
    /** Grows with every ring of the cluster. */
    readonly serial: number;
  } | null;
  daemon: boolean;
  paused: boolean;
}

/**
 * The distributed lock manager of a whole cluster in one object. It needs no bus: it is told
 * about rings, deaths and fencing, and alone it is one ring of all its nodes.
 */
export class LockEngine {
  readonly clock: Clock;
  readonly timings: EmbeddedTimings;
  readonly fencingEnabled: boolean;
  readonly #nodes: ReadonlyMap<number, NodeFacts>;
  readonly #lockspaces = new Map<string, SharedLockspace>();
  readonly #surroundings: Surroundings;
  readonly #beingFenced = new Set<number>();
  #rings = 0;
  readonly #fence: (nodeId: number) => void;

  constructor(options: LockEngineOptions) {
    const { clock, nodeIds } = options;
    this.clock = clock;
    this.timings = { ...TIMINGS_DEFAULT, ...options.timings };
    this.fencingEnabled = options.fencingEnabled ?? true;
    const ring = { nodeIds, quorate: true, serial: 0 };
    this.#nodes = new Map(nodeIds.map((id) => [id, { ring, daemon: true, paused: false }]));
    this.#fence = options.fence ?? ((nodeId) => {
      clock.setTimer(this.timings.fencingMs, () => this.confirmFenced(nodeId));
    });
    this.#surroundings = {
      clock,
      lockMs: this.timings.lockMs,
      recoveryMs: this.timings.recoveryMs,
      joinMs: this.timings.lockspaceJoinMs,
      ringOf: (nodeId) => this.#facts(nodeId).ring,
      quorateNodes: () => this.#quorateNodes(),
      isPaused: (nodeId) => this.#facts(nodeId).paused,
      fence: (nodeId) => this.#requestFencing(nodeId),
    };
  }

  /** The lock manager as one process of that node sees it. `clock` ends with the process. */
  lockManager(process: {
    readonly nodeId: number; readonly pid: number; readonly clock?: Clock;
  }): EmbeddedLockManager {
    const { nodeId, pid, clock } = process;
    return new EmbeddedLockManager({ nodeId, pid, clock: clock ?? this.clock, engine: this });
  }

  /** A ring has formed of these nodes. */
  setRing(nodeIds: readonly number[], quorate: boolean): void {
    this.#rings += 1;
    const ring = { nodeIds, quorate, serial: this.#rings };
    for (const id of nodeIds) this.#facts(id).ring = ring;
    for (const lockspace of this.#lockspaces.values()) lockspace.ringChanged();
  }

  /** corosync has died there and has taken dlm_controld with it, or dlm_controld alone has. */
  daemonDied(nodeId: number, reason: string): void {
    const facts = this.#facts(nodeId);
    facts.daemon = false;
    facts.ring = null;
    for (const lockspace of this.#lockspaces.values()) lockspace.abandon(nodeId, reason);
  }

  /** dlm_controld runs (again). Abandoned lockspaces stay so until the node has rebooted. */
  daemonStarted(nodeId: number): void {
    this.#facts(nodeId).daemon = true;
  }

  /** The node lost its power: its locks stay until the others have recovered without it. */
  nodeDied(nodeId: number): void {
    const facts = this.#facts(nodeId);
    facts.daemon = false;
    facts.ring = null;
    facts.paused = false;
    for (const lockspace of this.#lockspaces.values()) lockspace.nodeDied(nodeId);
  }

  setPaused(nodeId: number, paused: boolean): void {
    this.#facts(nodeId).paused = paused;
    for (const lockspace of this.#lockspaces.values()) lockspace.reconsider();
  }

  /**
   * The node is known to be off. The hazard is the same as with `dlm_tool fence_ack`: said of a
   * node that still runs, it gives that node's locks away.
   */
  confirmFenced(nodeId: number): void {
    this.#beingFenced.delete(nodeId);
    for (const lockspace of this.#lockspaces.values()) lockspace.confirmFenced(nodeId);
  }

  isDaemonUp(nodeId: number): boolean {
    return this.#facts(nodeId).daemon;
  }

  lockspace(name: string): SharedLockspace {
    const existing = this.#lockspaces.get(name);
    if (existing !== undefined) return existing;
    const created = new SharedLockspace(name, this.#surroundings);
    this.#lockspaces.set(name, created);
    return created;
  }

  get lockspaces(): readonly SharedLockspace[] {
    return [...this.#lockspaces.values()];
  }

  stateOf(nodeId: number, lockspace: string): LockspaceState {
    return this.#lockspaces.get(lockspace)?.stateOf(nodeId) ?? { kind: 'absent' };
  }

  /** The cluster as dlm_controld of that node would tell it; times are in whole seconds. */
  viewOf(nodeId: number): ClusterView {
    const ring = this.#facts(nodeId).ring;
    const members = ring?.nodeIds ?? [];
    return {
      nodeId,
      quorate: ring?.quorate === true,
      ringSequence: ring?.serial ?? 0,
      ringSequenceDone: ring?.serial ?? 0,
      nowSeconds: Math.floor(this.clock.monotonic() / 1000),
      fencePid: 0,
      fencingEnabled: this.fencingEnabled,
      nodes: [...this.#nodes.keys()].map((id) => ({
        nodeId: id,
        member: members.includes(id),
        fencing: this.#beingFenced.has(id) ? 'in-progress' : 'none',
        joinedAtSeconds: 0, leftAtSeconds: 0, failedAtSeconds: 0, fencedAtSeconds: 0,
      })),
      lockspaces: this.lockspaces.flatMap((lockspace) => viewOfLockspace(lockspace, nodeId)),
    };
  }

  #requestFencing(nodeId: number): void {
    if (this.#beingFenced.has(nodeId)) return;
    this.#beingFenced.add(nodeId);
    // In a later turn: the answer may come at once, and a lockspace is in the middle of a look.
    this.clock.setTimer(0, () => this.#fence(nodeId));
  }

  /** Of the newest quorate ring: a paused node still believes in the one that it was in. */
  #quorateNodes(): readonly number[] | null {
    let newest: NodeFacts['ring'] = null;
    for (const { ring } of this.#nodes.values()) {
      if (ring?.quorate === true && ring.serial > (newest?.serial ?? -1)) newest = ring;
    }
    return newest?.nodeIds ?? null;
  }

  #facts(nodeId: number): NodeFacts {
    const facts = this.#nodes.get(nodeId);
    if (facts === undefined) throw new Error(`node ${nodeId} is not among the engine's nodes`);
    return facts;
  }
}

/** Nothing for a lockspace that the node is not in. */
function viewOfLockspace(lockspace: SharedLockspace, nodeId: number): readonly LockspaceView[] {
  const state = lockspace.stateOf(nodeId);
  if (state.kind === 'absent' || state.kind === 'abandoned') return [];
  const waitsFor = state.kind === 'waiting' ? state.for : null;
  return [{
    name: lockspace.name,
    members: state.members,
    waitsFor,
    detail: waitsFor ?? '',
    stopped: waitsFor !== null,
    nodes: state.members.map((id) => ({
      nodeId: id, member: true, failed: false, started: waitsFor === null, waitsFor: 'nothing',
    })),
  }];
}

export function createLockEngine(options: LockEngineOptions): LockEngine {
  return new LockEngine(options);
}
