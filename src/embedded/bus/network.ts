import type { Clock } from '../../clock.js';
import type { Member } from '../../cpg/index.js';
import type { Configuration } from '../cmap/configuration.js';
import type { EmbeddedTimings } from '../options.js';
import type { Random } from '../random.js';
import { Corosync, type Ordered, type Queued } from './corosync.js';
import { nextRing, type Ring } from './ring.js';

/** What the rest of the cluster learns about rings. */
export interface NetworkEvents {
  /** These nodes have entered a ring, coming from the rings named in `before` (null = none). */
  installed(ring: Ring, quorate: boolean, before: ReadonlyMap<number, Ring | null>): void;
}

export interface NetworkModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly timings: EmbeddedTimings;
  /** @see ClusterOptions.loneEchoRate */
  readonly loneEchoRate: number;
  readonly configuration: Configuration;
  readonly events: NetworkEvents;
}

/**
 * The wires between the nodes' corosyncs: which can reach which, when a new ring forms, and the
 * total order inside a ring. A ring of which a member cannot be reached orders nothing: what was
 * sent waits with its sender and is ordered in whatever ring that one enters next.
 */
export class Network {
  readonly #nodes = new Map<number, Corosync>();
  readonly #paused = new Set<number>();
  /** Nodes with different labels cannot reach each other. */
  readonly #labels = new Map<number, string>();
  readonly #forming = new Set<string>();
  /** Nodes whose corosync ends in order just now. */
  readonly #goodbyes = new Set<number>();
  readonly #modules: NetworkModules;

  constructor(nodeIds: readonly number[], modules: NetworkModules) {
    this.#modules = modules;
    for (const id of nodeIds) this.#nodes.set(id, new Corosync(id));
  }

  corosync(nodeId: number): Corosync {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) throw new Error(`node ${nodeId} is not in the node list`);
    return node;
  }

  /** All nodes at once in one ring, without waiting: how a cluster begins. */
  startTogether(): void {
    for (const node of this.#nodes.values()) node.start(this.#modules.configuration);
    this.#install([...this.#nodes.keys()]);
  }

  start(nodeId: number): void {
    this.corosync(nodeId).start(this.#modules.configuration);
    this.#changed();
  }

  stop(nodeId: number): void {
    this.corosync(nodeId).stop();
    this.#changed();
  }

  /**
   * An orderly end: the node says goodbye for its clients while the ring still hears it, and then
   * leaves without the others having to miss it first.
   */
  stopInOrder(nodeId: number): void {
    const leaving = this.corosync(nodeId);
    const { ring } = leaving;
    if (ring !== null && this.#isWhole(ring)) {
      const others = ring.nodeIds.filter((id) => id !== nodeId);
      for (const group of leaving.groupNames) {
        for (const member of leaving.localMembers(group)) {
          const gone: Ordered = { kind: 'change', reason: 'procdown', group, member };
          for (const id of others) this.corosync(id).apply(gone);
        }
      }
      this.#goodbyes.add(nodeId);
    }
    this.stop(nodeId);
    this.#goodbyes.delete(nodeId);
  }

  /** The others of its ring will never be told that this node's group members are gone. */
  keepAsGhost(nodeId: number): void {
    for (const id of this.corosync(nodeId).ring?.nodeIds ?? []) {
      if (id !== nodeId) this.corosync(id).keepAsGhost(nodeId);
    }
  }

  pause(nodeId: number): void {
    this.#paused.add(nodeId);
    this.#changed();
  }

  resume(nodeId: number): void {
    this.#paused.delete(nodeId);
    this.#changed();
  }

  /** Separates these nodes from all the others; earlier cuts stay. */
  cut(side: readonly number[]): void {
    for (const id of this.#nodes.keys()) {
      const mark = side.includes(id) ? 'a' : 'b';
      this.#labels.set(id, `${this.#labels.get(id) ?? ''}${mark}`);
    }
    this.#changed();
  }

  /** Repairs every cut. */
  heal(): void {
    this.#labels.clear();
    this.#changed();
  }

  /** Sends into the ring; loses nothing unless the sender's corosync dies. */
  send(nodeId: number, ordered: Ordered): void {
    const { clock, random, timings } = this.#modules;
    const delayMs = timings.deliveryMs + Math.floor(random() * timings.jitterMs);
    const node = this.corosync(nodeId);
    node.outgoing.push({ readyAtMs: clock.monotonic() + delayMs, ordered });
    clock.setTimer(delayMs, () => this.#order(node));
  }

  /** A local process has gone. A corosync that stands still learns that when it goes on. */
  forgetLocal(member: Member, group: string): void {
    if (this.#paused.has(member.nodeId)) return;
    this.corosync(member.nodeId).forgetLocal(group, member.pid);
  }

  /** The delay of one delivery to one client, in ms. */
  deliveryDelayMs(): number {
    return Math.floor(this.#modules.random() * this.#modules.timings.jitterMs);
  }

  #order(sender: Corosync): void {
    if (sender.ring === null || !this.#isWhole(sender.ring)) return;
    const nowMs = this.#modules.clock.monotonic();
    const { nodeIds } = sender.ring;
    let [next] = sender.outgoing;
    while (next !== undefined && next.readyAtMs <= nowMs) {
      sender.outgoing.shift();
      for (const id of nodeIds) this.corosync(id).apply(next.ordered);
      [next] = sender.outgoing;
    }
  }

  #changed(): void {
    const { clock, timings } = this.#modules;
    for (const component of this.#components()) {
      if (this.#isSettled(component)) {
        this.#orderSoon(component);
        continue;
      }
      const key = component.join(',');
      if (this.#forming.has(key)) continue;
      this.#forming.add(key);
      const loses = component.some((id) =>
        this.corosync(id).ring?.nodeIds.some((other) =>
          !component.includes(other) && !this.#goodbyes.has(other)) === true);
      clock.setTimer(loses ? timings.detectionMs : timings.ringMs, () => {
        this.#forming.delete(key);
        const current = this.#components().some((other) => other.join(',') === key);
        if (current && !this.#isSettled(component)) this.#install(component);
      });
    }
  }

  #install(component: readonly number[]): void {
    const nodes = component.map((id) => this.corosync(id));
    const before = new Map(nodes.map((node) => [node.nodeId, node.ring]));
    for (const node of nodes) this.#orderLate(node, nodes);
    const seqHighest = nodes.reduce(
      (highest, { seqHighest: seq }) => (seq > highest ? seq : highest), 0n,
    );
    const ring = nextRing(component, seqHighest);
    const quorate = component.length * 2 > this.#nodes.size;
    const groups = new Map<string, readonly Member[]>();
    for (const name of new Set(nodes.flatMap((node) => node.groupNames))) {
      groups.set(name, nodes.flatMap((node) => node.localMembers(name)));
    }
    for (const node of nodes) {
      const from = before.get(node.nodeId) ?? null;
      const transitional = component.filter((id) =>
        id === node.nodeId || (from !== null && before.get(id) === from));
      node.install(ring, { transitional, quorate, groups });
    }
    this.#orderSoon(component);
    this.#modules.events.installed(ring, quorate, before);
  }

  /**
   * Before a new ring: with some luck the sender's messages get their place in the old one, for
   * those who come from there with it. A ring that goes on whole has no need of that.
   */
  #orderLate(sender: Corosync, nodes: readonly Corosync[]): void {
    const { random, loneEchoRate } = this.#modules;
    const together = nodes.filter(({ ring }) => ring === sender.ring);
    const losesNone = sender.ring === null || sender.ring.nodeIds.length === together.length;
    if (losesNone || loneEchoRate === 0 || random() >= loneEchoRate) return;
    while (sender.outgoing[0]?.ordered.kind === 'message') {
      const { ordered } = sender.outgoing.shift() as Queued;
      for (const node of together) node.apply(ordered);
    }
  }

  /** What waited for a whole ring is ordered now. */
  #orderSoon(component: readonly number[]): void {
    const { clock, timings } = this.#modules;
    for (const node of component.map((id) => this.corosync(id))) {
      if (node.outgoing.length === 0) continue;
      clock.setTimer(timings.deliveryMs, () => this.#order(node));
    }
  }

  #isWhole(ring: Ring): boolean {
    const [first] = ring.nodeIds;
    const label = first === undefined ? undefined : this.#labels.get(first);
    return ring.nodeIds.every((id) => this.#isReachable(id)
      && this.corosync(id).ring === ring && this.#labels.get(id) === label);
  }

  #isSettled(component: readonly number[]): boolean {
    const [first] = component;
    const ring = first === undefined ? null : this.corosync(first).ring;
    return ring !== null && ring.nodeIds.length === component.length
      && component.every((id) => this.corosync(id).ring === ring);
  }

  #isReachable(nodeId: number): boolean {
    return this.corosync(nodeId).running && !this.#paused.has(nodeId);
  }

  #components(): readonly (readonly number[])[] {
    const byLabel = new Map<string, number[]>();
    for (const id of this.#nodes.keys()) {
      if (!this.#isReachable(id)) continue;
      const label = this.#labels.get(id) ?? '';
      byLabel.set(label, [...(byLabel.get(label) ?? []), id]);
    }
    return [...byLabel.values()];
  }
}
