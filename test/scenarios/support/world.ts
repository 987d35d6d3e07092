import type { Owner } from '../../../src/coordinator/core/owner.js';
import type { LockView, NodeView } from '../../../src/coordinator/core/view.js';
import type { LockMode } from '../../../src/coordinator/core/mode.js';
import type { Coordinator } from '../../../src/coordinator/index.js';
import { toLockName } from '../../../src/coordinator/resource-name.js';
import { createCluster, type ClusterOptions, type EmbeddedCluster } from '../../../src/embedded/index.js';
import { CountingClock } from './counting-clock.js';
import { ScenarioNode } from './scenario-node.js';

/** How long anything may take, on the fake clock; nothing here waits in real time. */
const PATIENCE_MS = 60_000;
/** How far the clock goes between two looks. */
const STEP_MS = 5;

export interface WorldOptions extends Partial<Omit<ClusterOptions, 'nodes' | 'clock'>> {
  /** How many nodes; 3 unless said. */
  readonly size?: number;
}

export interface Ask {
  /** The name of a named owner, or a process; the node's own name unless said. */
  readonly owner?: string | Owner;
  readonly mode?: LockMode;
  /** 0 unless said; null = for ever. */
  readonly waitMs?: number | null;
  readonly signal?: AbortSignal;
}

/** An acquire that goes on while the scenario does. */
export interface Pending {
  readonly promise: Promise<LockView>;
  outcome: 'open' | 'granted' | 'refused';
}

/**
 * N coordinators over the embedded cluster on a clock that only moves when the scenario lets it:
 * a whole cluster's life in milliseconds, the same at every run.
 */
export class World {
  readonly clock = new CountingClock();
  readonly cluster: EmbeddedCluster;
  readonly nodes: readonly ScenarioNode[];

  constructor(options: WorldOptions) {
    const { size = 3, ...rest } = options;
    const nodes = Array.from({ length: size }, (_, index) => {
      return { id: index + 1, name: `n${index + 1}` };
    });
    this.cluster = createCluster({ fencingPowersOff: true, ...rest, nodes, clock: this.clock });
    this.nodes = nodes.map(({ id }) => new ScenarioNode(this.cluster.node(id)));
  }

  /** How many timers of anybody have fired so far. */
  get timersFired(): number {
    return this.clock.fired;
  }

  node(id: number): ScenarioNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new RangeError(`there is no node ${id}`);
    return node;
  }

  /** The node's living coordinator. */
  at(id: number): Coordinator {
    return this.node(id).coordinator;
  }

  async start(id: number): Promise<void> {
    await this.finish(this.node(id).start());
  }

  /** Starts every coordinator and waits until all are ready and know each other. */
  async startAll(): Promise<void> {
    for (const { id } of this.nodes) await this.start(id);
    await this.untilReady();
  }

  /** The power goes, and the coordinator with it. */
  powerOff(id: number): void {
    this.cluster.powerOff(id);
    this.node(id).bury();
  }

  /** Those that run are `ok` and hold each other's current manifest. */
  async untilReady(ids = this.#running()): Promise<void> {
    await this.until(`${ids.map((id) => `n${id}`).join(', ')} to be ready`, () =>
      ids.every((id) => {
        const synced = this.at(id).nodes().filter(({ state }) => state === 'synced');
        return this.at(id).status().standing.kind === 'ok'
          && ids.every((other) => synced.some((node) => node.id === other));
      }));
  }

  /** Lets time go on until it holds; throws with what all nodes say when it never does. */
  async until(what: string, holds: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    const endMs = this.clock.monotonic() + patienceMs;
    for (;;) {
      for (const node of this.nodes) node.buryIfOff();
      if (holds()) return;
      if (this.clock.monotonic() >= endMs) {
        throw new Error(`waited ${patienceMs} ms in vain for ${what}\n${this.describe()}`);
      }
      await this.clock.advance(STEP_MS);
    }
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Lets time go on until the promise settles, and hands on what it settles with. */
  async finish<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    await this.until('a promise to settle', () => settled);
    return promise;
  }

  /** Asks and waits for the answer. */
  async acquire(id: number, resource: string, ask: Ask = {}): Promise<LockView> {
    return this.finish(this.ask(id, resource, ask).promise);
  }

  /** Asks and goes on at once. */
  ask(id: number, resource: string, ask: Ask = {}): Pending {
    const signal = ask.signal ?? new AbortController().signal;
    const request = {
      resource, mode: ask.mode ?? 'EX', owner: ownerOf(ask.owner ?? `n${id}`),
      waitMs: ask.waitMs ?? (ask.waitMs === null ? null : 0), signal,
    } as const;
    const promise = this.at(id).acquire(request).then(({ lock }) => lock);
    const pending: Pending = { promise, outcome: 'open' };
    promise.then(() => (pending.outcome = 'granted'), () => (pending.outcome = 'refused'));
    return pending;
  }

  async release(id: number, resource: string, owner: string | Owner = `n${id}`) {
    const { signal } = new AbortController();
    return this.finish(this.at(id).release({ resource, owner: ownerOf(owner), signal }));
  }

  /** What `asked` knows of `about`. */
  view(asked: number, about: number): NodeView | undefined {
    return this.at(asked).nodes().find(({ id }) => id === about);
  }

  /** One line for each lock on the resource as that node sees it: `n1 EX held vm-alpha`. */
  seen(asked: number, resource: string): readonly string[] {
    return this.at(asked).locks().filter((lock) => lock.resource === resource).map(lineOf);
  }

  /** Every running coordinator sees exactly these lines for the resource. */
  async untilSeen(resource: string, lines: readonly string[]): Promise<void> {
    await this.until(`everyone to see ${resource}: ${lines.join(', ')}`, () =>
      this.#running().every((id) => this.seen(id, resource).join() === lines.join()));
  }

  /** What is wrong with the truth, in sentences; empty when nothing is. */
  violations(): readonly string[] {
    return [...this.#sharedExclusives(), ...this.#claimsWithoutLock()];
  }

  describe(): string {
    return this.nodes.map((node) => node.describe()).join('\n');
  }

  /** Ends every coordinator where it stands. */
  async end(): Promise<void> {
    for (const node of this.nodes) node.crash();
    await this.clock.advance(1);
  }

  #running(): readonly number[] {
    return this.nodes.filter(({ isRunning }) => isRunning).map(({ id }) => id);
  }

  /** Two live holders of EX of one resource in the engine, among nodes that are on. */
  #sharedExclusives(): readonly string[] {
    const found: string[] = [];
    for (const lockspace of this.cluster.engine.lockspaces) {
      const holders = new Map<string, number[]>();
      for (const { id, state } of this.cluster.nodes) {
        if (state === 'off') continue;
        for (const { resource, status } of lockspace.locksOf(id)) {
          if (status.kind !== 'granted' || status.mode !== 'EX') continue;
          holders.set(resource, [...(holders.get(resource) ?? []), id]);
        }
      }
      for (const [resource, ids] of holders) {
        if (ids.length > 1) found.push(`${resource} is held EX on nodes ${ids.join(' and ')}`);
      }
    }
    return found;
  }

  /** A coordinator that vouches for a lock which its kernel does not have. */
  #claimsWithoutLock(): readonly string[] {
    const found: string[] = [];
    for (const id of this.#running()) {
      if (this.at(id).status().standing.kind === 'isolated') continue;
      const granted = new Set<string>();
      for (const held of this.cluster.engine.lockspace('holdfast').locksOf(id)) {
        const { resource, status, orphan } = held;
        if (!orphan && status.kind === 'granted') granted.add(`${status.mode} ${resource}`);
      }
      for (const lock of this.at(id).locks()) {
        if (lock.node.id !== id || lock.state !== 'held') continue;
        const isGranted = granted.has(`${lock.mode} ${toLockName(lock.resource)}`);
        if (!isGranted) found.push(`n${id} says held, its kernel does not: ${lineOf(lock)}`);
      }
    }
    return found;
  }
}

export function ownerOf(owner: string | Owner): Owner {
  return typeof owner === 'string' ? { kind: 'named', name: owner } : owner;
}

function lineOf(lock: LockView): string {
  const owner = lock.owner === null ? 'nobody' : 'name' in lock.owner
    ? lock.owner.name : `pid ${lock.owner.pid}`;
  return `${lock.node.name} ${lock.mode} ${lock.state} ${owner}`;
}
