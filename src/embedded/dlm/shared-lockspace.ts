import type { Clock, Timer } from '../../clock.js';
import type { LockspaceState } from '../../dlm/index.js';
import { Kernel } from './kernel.js';
import type { EngineLock, LockEvent } from './lock.js';
import { LockTable } from './lock-table.js';

/** What a lockspace asks about the nodes around it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly lockMs: number;
  readonly recoveryMs: number;
  readonly joinMs: number;
  /** The ring this node is in, as its dlm_controld sees it; null while it is in none. */
  ringOf(nodeId: number): { readonly nodeIds: readonly number[]; readonly quorate: boolean } | null;
  /** The nodes of the quorate side; null when there is none. */
  quorateNodes(): readonly number[] | null;
  isPaused(nodeId: number): boolean;
  /** Called once per departed node: it must be fenced before its locks may go. */
  fence(nodeId: number): void;
}

type Change = { readonly kind: 'recovery' | 'members'; readonly timer: Timer };

/**
 * One lockspace of the whole cluster: its locks, its members, and when it stands still.
 *
 * It stops on every member when one of them departs, and runs again when the side that is left
 * is quorate, everyone who departed is fenced, and their locks have been dropped.
 */
export class SharedLockspace {
  readonly name: string;
  readonly table = new LockTable();
  readonly #surroundings: Surroundings;
  /** The kernels of this boot, by node. */
  readonly #kernels = new Map<number, Kernel>();
  /** Those whose locks count, the dead ones until they have been recovered from. */
  readonly #members = new Set<Kernel>();
  readonly #watchers = new Map<() => void, { readonly nodeId: number; last: string }>();
  #change: Change | null = null;
  #withoutDirectory = false;

  constructor(name: string, surroundings: Surroundings) {
    this.name = name;
    this.#surroundings = surroundings;
  }

  kernelOf(nodeId: number): Kernel | null {
    return this.#kernels.get(nodeId) ?? null;
  }

  hasNode(nodeId: number): boolean {
    return [...this.#members].some((member) => member.nodeId === nodeId);
  }

  /**
   * Notes whether the lockspace is one without a directory; false when the others have it
   * otherwise. The first node decides, as long as any is in it.
   */
  agreesOn(withoutDirectory: boolean): boolean {
    if (this.#kernels.size === 0) this.#withoutDirectory = withoutDirectory;
    return this.#withoutDirectory === withoutDirectory;
  }

  /** The node's kernel in this lockspace; joins it first when there is none. */
  enter(nodeId: number): Kernel {
    const existing = this.#kernels.get(nodeId);
    if (existing !== undefined) return existing;
    const { clock, lockMs } = this.#surroundings;
    const kernel = new Kernel(nodeId, { clock, lockMs, isOpen: (asked) => this.#isOpen(asked) });
    this.#kernels.set(nodeId, kernel);
    this.reconsider();
    return kernel;
  }

  /** The node leaves; the caller has made sure that it holds nothing. */
  leave(nodeId: number): void {
    const kernel = this.#kernels.get(nodeId);
    if (kernel === undefined) return;
    this.#kernels.delete(nodeId);
    this.#members.delete(kernel);
    kernel.die();
    if (this.#members.size > 0) this.#begin('members', this.#surroundings.recoveryMs, () => undefined);
    this.reconsider();
  }

  /** The node lost its power: its locks stay until recovery. */
  nodeDied(nodeId: number): void {
    const kernel = this.#kernels.get(nodeId);
    if (kernel === undefined) return;
    this.#kernels.delete(nodeId);
    kernel.die();
    this.reconsider();
  }

  /** The node's dlm_controld is gone: nothing gets through until the node has rebooted. */
  abandon(nodeId: number, reason: string): void {
    const kernel = this.#kernels.get(nodeId);
    if (kernel === undefined || kernel.state === 'abandoned') return;
    if (kernel.state === 'joining') this.#kernels.delete(nodeId);
    kernel.state = 'abandoned';
    kernel.abandonedBecause = reason;
    this.reconsider();
  }

  /** A ring has formed: whoever died or was abandoned before is not part of it. */
  ringChanged(): void {
    if (this.#surroundings.quorateNodes() !== null) {
      for (const kernel of this.#members) {
        if (kernel.state === 'dead' || kernel.state === 'abandoned') kernel.departed = true;
      }
    }
    this.reconsider();
  }

  confirmFenced(nodeId: number): void {
    for (const kernel of this.#members) {
      if (kernel.nodeId !== nodeId) continue;
      if (kernel.departed || kernel.state === 'dead') kernel.fenced = true;
    }
    this.reconsider();
  }

  /** Calls back in the middle of a change; go to a later turn before acting. */
  watch(nodeId: number, changed: () => void): () => void {
    this.#watchers.set(changed, { nodeId, last: JSON.stringify(this.stateOf(nodeId)) });
    return () => this.#watchers.delete(changed);
  }

  stateOf(nodeId: number): LockspaceState {
    const kernel = this.#kernels.get(nodeId);
    if (kernel === undefined) return { kind: 'absent' };
    if (kernel.state === 'abandoned') {
      return { kind: 'abandoned', reason: kernel.abandonedBecause };
    }
    const members = [...this.#members].map((member) => member.nodeId).sort((a, b) => a - b);
    const ring = this.#surroundings.ringOf(nodeId);
    if (ring === null) return { kind: 'waiting', for: 'ring', members };
    if (!ring.quorate) return { kind: 'waiting', for: 'quorum', members };
    const departed = [...this.#members].filter((member) => member.departed);
    if (departed.some((member) => !member.fenced)) {
      return { kind: 'waiting', for: 'fencing', members };
    }
    if (departed.length > 0) return { kind: 'waiting', for: 'recovery', members };
    if (this.#change !== null) return { kind: 'waiting', for: this.#change.kind, members };
    if (kernel.state !== 'member') return { kind: 'waiting', for: 'members', members };
    return { kind: 'running', members };
  }

  /** The node's locks, also where the others have dropped them already. */
  locksOf(nodeId: number): readonly EngineLock[] {
    const kernel = this.#kernels.get(nodeId);
    if (kernel === undefined) return [];
    return kernel.remembered ?? this.table.locksOf(nodeId);
  }

  dispatch(events: readonly LockEvent[]): void {
    for (const event of events) {
      const { owner, orphan } = event.lock;
      if (owner.alive && !orphan) owner.notify(event);
    }
  }

  /** Looks at the surroundings again; call it whenever they have changed. */
  reconsider(): void {
    const quorate = this.#surroundings.quorateNodes();
    if (quorate !== null) this.#advance(quorate);
    for (const kernel of this.#kernels.values()) kernel.drain();
    for (const [changed, watched] of this.#watchers) {
      const state = JSON.stringify(this.stateOf(watched.nodeId));
      if (state === watched.last) continue;
      watched.last = state;
      changed();
    }
  }

  #advance(quorate: readonly number[]): void {
    for (const member of this.#members) {
      if (!quorate.includes(member.nodeId)) member.departed = true;
      if (member.departed && !member.fenced) this.#surroundings.fence(member.nodeId);
    }
    if (this.#change !== null) return;
    const departed = [...this.#members].filter((member) => member.departed);
    if (departed.length > 0) {
      if (departed.every((member) => member.fenced)) {
        this.#begin('recovery', this.#surroundings.recoveryMs, () => this.#recover());
      }
      return;
    }
    if (this.#joiners(quorate).length === 0) return;
    const alone = this.#members.size === 0;
    this.#begin('members', alone ? 0 : this.#surroundings.joinMs, () => this.#admit());
  }

  #recover(): void {
    const departed = [...this.#members].filter((member) => member.departed);
    if (this.#surroundings.quorateNodes() === null) return;
    if (departed.some((member) => !member.fenced)) return;
    for (const member of departed) {
      if (member.state === 'abandoned' || member.state === 'member') {
        member.remembered = this.table.locksOf(member.nodeId).map((lock) => ({ ...lock }));
        member.state = 'abandoned';
        member.abandonedBecause ||= 'the other nodes have fenced this one and recovered without it';
      }
      this.#members.delete(member);
    }
    // All of them first: a grant in between must not go to a node that is dropped next.
    const events = departed.flatMap((member) => this.table.dropNode(member.nodeId));
    this.dispatch(events.filter(({ lock }) => this.table.has(lock)));
  }

  #admit(): void {
    for (const kernel of this.#joiners(this.#surroundings.quorateNodes() ?? [])) {
      kernel.state = 'member';
      this.#members.add(kernel);
    }
  }

  /** Who may join now: nobody while an earlier boot of the same node is not recovered from. */
  #joiners(quorate: readonly number[]): readonly Kernel[] {
    const present = new Set([...this.#members].map((member) => member.nodeId));
    return [...this.#kernels.values()].filter(({ state, nodeId }) =>
      state === 'joining' && quorate.includes(nodeId) && !present.has(nodeId));
  }

  #begin(kind: Change['kind'], delayMs: number, complete: () => void): void {
    this.#change?.timer.cancel();
    const timer = this.#surroundings.clock.setTimer(delayMs, () => {
      this.#change = null;
      complete();
      this.reconsider();
    });
    this.#change = { kind, timer };
  }

  #isOpen(kernel: Kernel): boolean {
    if (this.#surroundings.isPaused(kernel.nodeId)) return false;
    return kernel.state === 'member' && this.stateOf(kernel.nodeId).kind === 'running';
  }
}
