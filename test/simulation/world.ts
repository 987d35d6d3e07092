import type { Owner } from '../../src/coordinator/core/owner.js';
import { createRandom, LockEngine, type EmbeddedOwner } from '../../src/embedded/index.js';
import { grantedMode } from '../../src/embedded/dlm/lock.js';
import { Asker } from './asker.js';
import { Boundaries } from './boundaries.js';
import { Checker, type KernelLock } from './checker.js';
import { describeOp, type Op, type Script } from './script.js';
import { SimBus } from './sim-bus.js';
import { SimClock } from './sim-clock.js';
import { SimNode, type Cluster } from './sim-node.js';

/** Node 3 has no daemon: it keeps the quorum when another one dies. */
const NODE_IDS = [1, 2, 3];
/** Nothing here takes longer, on the simulation's clock and in turns. */
const PATIENCE_MS = 120_000;
const TURNS_MAX = 50_000;

/** Two daemons over one lock engine, in a time and an order that one seed decides. */
export class World implements Cluster {
  readonly clock = new SimClock();
  readonly bus = new SimBus(NODE_IDS);
  readonly engine: LockEngine;
  readonly checker = new Checker();
  boundaries = new Boundaries(null, false);
  readonly nodes: readonly SimNode[];
  #random: () => number = () => 0;
  #disorder = 0;
  readonly #processes = new Map<string, EmbeddedOwner>();
  #asker = new Asker(this);
  #turns = 0;

  /** `daemons`: how many nodes run one. */
  constructor(daemons: 1 | 2) {
    this.engine = new LockEngine({
      clock: this.clock, nodeIds: NODE_IDS,
      timings: { lockMs: 0, lockspaceJoinMs: 0, recoveryMs: 0, fencingMs: 0 },
    });
    this.nodes = NODE_IDS.slice(0, daemons).map((id) => new SimNode(id, this));
  }

  /** What comes now is another run, of owners that nobody knows yet. */
  begin(script: Script, boundaries: Boundaries): void {
    this.boundaries = boundaries;
    this.#random = createRandom(script.seed);
    this.#disorder = script.disorder;
    this.#turns = 0;
    this.checker.claims.clear();
    this.checker.mustReport.clear();
    this.checker.sets.clear();
    this.#processes.clear();
    this.#asker = new Asker(this);
  }

  node(id: number): SimNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new RangeError(`there is no node ${id}`);
    return node;
  }

  ring(): void {
    const nodeIds = NODE_IDS.filter((id) => this.nodes[id - 1]?.isOn ?? true);
    this.bus.setRing(nodeIds);
    this.engine.setRing(nodeIds, true);
  }

  /** What the kernels really hold; nothing of a node without power. */
  kernel(): readonly KernelLock[] {
    return this.nodes.filter(({ isOn }) => isOn).flatMap(({ id }) =>
      this.engine.lockspace('holdfast').locksOf(id).flatMap((lock) => {
        const mode = grantedMode(lock);
        const isOrphan = lock.orphan || !lock.owner.alive;
        return mode === null ? [] : [{ nodeId: id, resource: lock.resource, mode, isOrphan }];
      }));
  }

  /** Runs one thing that is due; false when nothing is. */
  async turn(): Promise<boolean> {
    const { dueCount } = this.clock;
    if (dueCount === 0) return false;
    this.#turns += 1;
    if (this.#turns > TURNS_MAX) throw new Error(`more than ${TURNS_MAX} turns: it never rests`);
    const isAstray = dueCount > 1 && this.#random() < this.#disorder;
    if (!this.clock.run(isAstray ? Math.floor(this.#random() * dueCount) : 0)) return true;
    await microtasks();
    this.checker.checkHeld(this.kernel());
    return true;
  }

  /** Runs everything that can happen without time going on. */
  async drain(): Promise<void> {
    while (await this.turn());
  }

  /** Starts what is down and lets time go on until every daemon is at rest. */
  async settle(): Promise<void> {
    const endMs = this.clock.monotonic() + PATIENCE_MS;
    for (;;) {
      for (const node of this.nodes) if (node.process === null) node.start();
      await microtasks();
      await this.drain();
      if (this.nodes.every(isAtRest)) return;
      if (this.nodes.some(({ process }) => process === null)) continue;
      if (this.clock.nextMs > endMs) break;
      this.clock.goTo(this.clock.nextMs);
    }
    const standings = this.nodes.map(({ name, process }) =>
      `${name} ${JSON.stringify(process?.coordinator?.status().standing)}`);
    this.checker.fail('0 comes to rest', `never at rest: ${standings.join(', ')}`);
  }

  /** Lets that time pass. */
  async wait(ms: number): Promise<void> {
    const endMs = this.clock.monotonic() + ms;
    await this.drain();
    while (this.clock.nextMs <= endMs) {
      this.clock.goTo(this.clock.nextMs);
      await this.drain();
    }
    this.clock.goTo(endMs);
  }

  /** Plays the script until its end, or until the planned crash has happened. */
  async play(ops: readonly Op[]): Promise<void> {
    for (const op of ops) {
      if (this.boundaries.hasStruck) return;
      this.boundaries.trace?.push(`---- ${describeOp(op)}`);
      await this.#perform(op);
      await microtasks();
      if (this.#disorder === 0) await this.drain();
      // Early: the next operation comes in the middle of what this one has begun.
      while (this.#random() >= this.#disorder && (await this.turn()));
    }
  }

  /** Every owner that is left lets go of what it may have; processes end. */
  async letGo(): Promise<void> {
    for (const [key, identity] of this.#processes) {
      this.endOwner(Number(key.split(' ')[0]), key.split(' ')[1] ?? '');
      this.boundaries.trace?.push(`---- process ${identity.pid} ends`);
    }
    for (const claim of this.checker.claims.values()) {
      if (claim.owner.kind === 'named') this.#asker.release(claim);
    }
    await this.settle();
  }

  async #perform(op: Op): Promise<void> {
    switch (op.do) {
      case 'acquire':
        this.#asker.acquire(op);
        break;
      case 'acquire-set':
        this.#asker.acquireSet(op);
        break;
      case 'convert':
        this.#asker.convert(op);
        break;
      case 'release':
        this.#asker.release(this.#asker.claimOf(op));
        break;
      case 'cancel':
        this.#asker.goAway(op);
        break;
      case 'end':
        this.endOwner(op.node, op.owner);
        break;
      case 'wait':
        await this.wait(op.ms);
        break;
      case 'settle':
        await this.settle();
        break;
      case 'kill-child':
        this.node(op.node).process?.killChild();
        break;
      case 'kill-daemon':
        this.node(op.node).killDaemon();
        this.node(op.node).start();
        break;
      case 'power-off':
        this.node(op.node).powerOff(this.#random());
        this.node(op.node).start();
        break;
      default:
        op satisfies never;
    }
  }

  endOwner(node: number, owner: string): void {
    const identity = this.#processes.get(`${node} ${owner}`);
    if (identity === undefined) return;
    identity.end();
    for (const claim of this.checker.claims.values()) {
      if (claim.owner.kind !== 'process' || claim.owner.pid !== identity.pid) continue;
      claim.hasEnded = true;
      claim.belief = 'none';
    }
  }

  ownerOf(node: number, owner: string): Owner {
    if (!owner.startsWith('p')) return { kind: 'named', name: owner };
    const key = `${node} ${owner}`;
    const known = this.#processes.get(key) ?? this.node(node).owners.start();
    this.#processes.set(key, known);
    return { kind: 'process', pid: known.pid, startTime: known.startTime };
  }
}

function isAtRest({ process }: SimNode): boolean {
  const coordinator = process?.coordinator ?? null;
  if (coordinator === null || coordinator.status().standing.kind !== 'ok') return false;
  const { id } = coordinator.status().node;
  return coordinator.locks().every(({ node, state }) =>
    node.id !== id || state === 'held' || state === 'quarantined');
}

/** All microtasks run before an immediate does. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
