import type { Clock } from '../clock.js';
import { Network } from './bus/network.js';
import type { Ring } from './bus/ring.js';
import { LockEngine } from './dlm/lock-engine.js';
import { EmbeddedNode } from './embedded-node.js';
import { Fencing } from './fencing.js';
import { NODES_MAX, TIMINGS_DEFAULT, type ClusterOptions, type EmbeddedTimings } from './options.js';
import { createRandom, createUuid } from './random.js';

/**
 * A whole cluster in one process: nodes with a corosync, a kernel with DLM, processes and owners,
 * and hands that break it. Everything happens on the given clock and from the given seed.
 *
 * All nodes start powered on, in one ring. A method that finds nothing to do does nothing.
 */
export class EmbeddedCluster {
  readonly timings: EmbeddedTimings;
  /** The lock manager of all nodes, for checks that look at the truth. */
  readonly engine: LockEngine;
  readonly #options: ClusterOptions;
  readonly #clock: Clock;
  readonly #network: Network;
  readonly #fencing: Fencing;
  readonly #nodes: ReadonlyMap<number, EmbeddedNode>;

  constructor(options: ClusterOptions) {
    const { nodes, clock } = options;
    const nodeIds = nodes.map(({ id }) => id);
    if (nodes.length < 1 || nodes.length > NODES_MAX) {
      throw new RangeError(`a cluster has 1 to ${NODES_MAX} nodes, not ${nodes.length}`);
    }
    if (new Set(nodeIds).size !== nodes.length) throw new RangeError('node ids must be unique');
    this.#options = options;
    this.#clock = clock;
    this.timings = { ...TIMINGS_DEFAULT, ...options.timings };
    const random = createRandom(options.seed ?? 1);
    this.#fencing = new Fencing(clock, this.timings.fencingMs, (id) => this.#fenced(id));
    this.engine = new LockEngine({
      clock, nodeIds, timings: this.timings, fencingEnabled: options.fencingEnabled ?? true,
      fence: (id) => this.#fencing.request(id),
    });
    this.#network = new Network(nodeIds, {
      clock, random, timings: this.timings, loneEchoRate: options.loneEchoRate ?? 0,
      configuration: {
        clusterName: options.clusterName ?? 'embedded', nodes,
        detectionMs: this.timings.detectionMs,
      },
      events: { installed: (ring, quorate, before) => this.#installed(ring, quorate, before) },
    });
    const { engine } = this;
    const network = this.#network;
    this.#nodes = new Map(nodes.map((node) => [node.id, new EmbeddedNode(node, {
      clock, network, engine, createBootId: () => createUuid(random),
    })]));
    network.startTogether();
  }

  get nodes(): readonly EmbeddedNode[] {
    return [...this.#nodes.values()];
  }

  node(id: number): EmbeddedNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`node ${id} is not in the node list`);
    return node;
  }

  /** Everything on the node ends at once, without a word to anyone. */
  powerOff(id: number): void {
    const node = this.node(id);
    if (node.state === 'off') return;
    node.losePower();
    this.engine.nodeDied(id);
    this.#network.resume(id);
    this.#network.stop(id);
    if (this.#options.lockspacesIgnoreRings === true) this.#ringOfPowered(this.timings.detectionMs);
  }

  /**
   * As `powerOff`, and the corosyncs of its ring keep its group members, though quorum tells that
   * the node has left: as they do with a node that comes and dies within one change of the ring.
   * They stay until the node is in a ring again.
   */
  powerOffAsGhost(id: number): void {
    if (this.node(id).state === 'off') return;
    this.#network.keepAsGhost(id);
    this.powerOff(id);
  }

  /** Boots the node, with another boot id; its corosync and dlm_controld start by themselves. */
  powerOn(id: number): void {
    const node = this.node(id);
    if (node.state !== 'off') return;
    node.gainPower();
    // A node that has booted again was off: as good as fenced.
    this.#fencing.settle(id);
    this.engine.confirmFenced(id);
    this.engine.daemonStarted(id);
    this.#network.start(id);
    if (this.#options.lockspacesIgnoreRings === true) this.#ringOfPowered(this.timings.ringMs);
  }

  /** The whole node stands still, as a paused guest does; time goes on for the others. */
  pause(id: number): void {
    const node = this.node(id);
    if (node.state !== 'on') return;
    node.pause();
    this.engine.setPaused(id, true);
    this.#network.pause(id);
  }

  resume(id: number): void {
    const node = this.node(id);
    if (node.state !== 'paused') return;
    node.resume();
    this.#network.resume(id);
    this.engine.setPaused(id, false);
  }

  /** Separates these nodes from all the others; earlier cuts stay. */
  cut(side: readonly number[]): void {
    this.#network.cut(side);
  }

  /** Repairs every cut. */
  heal(): void {
    this.#network.heal();
  }

  /** corosync dies and takes dlm_controld with it: lockspaces are abandoned on this node. */
  killCorosync(id: number): void {
    this.#endCorosync(id, () => this.#network.stop(id));
  }

  /** As `systemctl stop corosync`: its members are `procdown` at once, then the node has left. */
  stopCorosync(id: number): void {
    this.#endCorosync(id, () => this.#network.stopInOrder(id));
  }

  #endCorosync(id: number, end: () => void): void {
    if (this.node(id).state === 'off' || !this.#network.corosync(id).running) return;
    end();
    if (this.#options.lockspacesIgnoreRings !== true) {
      this.engine.daemonDied(id, 'corosync died and took dlm_controld with it; reboot this node');
    }
  }

  /** Starts corosync again, and dlm_controld with it. Abandoned lockspaces need a reboot. */
  startCorosync(id: number): void {
    if (this.node(id).state === 'off' || this.#network.corosync(id).running) return;
    this.engine.daemonStarted(id);
    this.#network.start(id);
  }

  /** Fencing of this node gets no answer until `confirmFencing`: recovery waits for it. */
  withholdFencing(id: number): void {
    this.#fencing.withhold(id);
  }

  /** Fencing of this node is confirmed now, if it was asked for; withholding ends. */
  confirmFencing(id: number): void {
    this.#fencing.confirm(id);
  }

  /** Nodes whose fencing was asked for and is not confirmed, ascending. */
  get fencingPending(): readonly number[] {
    return this.#fencing.pending;
  }

  #fenced(id: number): void {
    if (this.#options.fencingPowersOff === true) this.powerOff(id);
    this.engine.confirmFenced(id);
  }

  #installed(ring: Ring, quorate: boolean, before: ReadonlyMap<number, Ring | null>): void {
    if (this.#options.lockspacesIgnoreRings === true) return;
    const losers = this.#mergeLosers(before);
    this.engine.setRing(ring.nodeIds, quorate);
    // As dlm_controld does to a node that comes back with its lockspaces: it is cut off for good.
    for (const id of losers) this.#clock.setTimer(0, () => this.killCorosync(id));
  }

  /**
   * Nodes that come back from another ring with state: everyone who has lockspaces and was not in
   * the ring that goes on: the quorate one, else the largest, else the one with the lowest node.
   */
  #mergeLosers(before: ReadonlyMap<number, Ring | null>): readonly number[] {
    const rings = [...new Set(before.values())].filter((ring) => ring !== null);
    if (rings.length < 2) return [];
    const newest = (ring: Ring): readonly number[] =>
      [...before].filter(([, other]) => other === ring).map(([id]) => id);
    const [winner] = rings.sort((a, b) =>
      newest(b).length - newest(a).length || a.id.nodeId - b.id.nodeId);
    return [...before.keys()].filter((id) => before.get(id) !== winner
      && before.get(id) !== null && this.#hasLockspaces(id));
  }

  #hasLockspaces(id: number): boolean {
    return this.engine.lockspaces.some((lockspace) => lockspace.kernelOf(id) !== null);
  }

  /** Without rings only power counts: the lock manager is told of it by hand. */
  #ringOfPowered(delayMs: number): void {
    this.#clock.setTimer(delayMs, () => {
      const powered = this.nodes.filter(({ state }) => state !== 'off').map(({ id }) => id);
      this.engine.setRing(powered, true);
    });
  }
}

/** Starts an embedded cluster; all its nodes are on and in one ring. */
export function createCluster(options: ClusterOptions): EmbeddedCluster {
  return new EmbeddedCluster(options);
}
