import type { Owner } from '../../../src/coordinator/core/owner.js';
import { CoordinatorError } from '../../../src/coordinator/index.js';
import type { LockManager } from '../../../src/dlm/index.js';
import {
  createCluster, createRandom, type EmbeddedCluster, type EmbeddedOwner,
} from '../../../src/embedded/index.js';
import type { Claim } from '../checker.js';
import { SimClock } from '../sim-clock.js';
import { Ledger } from './ledger.js';
import { describeOp, type ClusterScript, type Op } from './op.js';
import { OPERATIONS } from './operations.js';
import { SimHost, type Surroundings } from './sim-host.js';

/** More turns than any script needs that comes to rest. */
const TURNS_MAX = 2_000_000;
const TRACE_LINES_MAX = 400;
/** How long a booting machine or a service manager takes, in ms. */
const RESTART_MS = 700;
/** How much the clock goes on at least between two looks for rest. */
const LOOK_MS = 50;

/** Wraps what the daemons ask of DLM, to check the checker. */
export type Sabotage = (host: SimHost, lockManager: LockManager) => LockManager;

/** Many coordinators over the embedded cluster, in a time and an order that one seed decides. */
export class ClusterWorld implements Surroundings {
  readonly clock = new SimClock();
  readonly cluster: EmbeddedCluster;
  readonly ledger: Ledger;
  readonly hosts: readonly SimHost[];
  readonly random: () => number;
  /** The last lines of what happened, oldest first. */
  readonly trace: string[] = [];
  readonly counts = new Map<string, number>();
  readonly cancels = new Map<Claim, AbortController>();
  readonly #disorder: number;
  readonly #sabotage: Sabotage | null;
  readonly #processes = new Map<string, EmbeddedOwner>();
  readonly #restarts = new Map<SimHost, number>();
  turns = 0;

  constructor(script: ClusterScript, sabotage: Sabotage | null) {
    const { seed, fencingMs, recoveryMs, jitterMs, loneEchoRate, isApart } = script;
    this.random = createRandom(seed ^ 0x5eed);
    this.#disorder = script.disorder;
    this.#sabotage = sabotage;
    const nodes = Array.from({ length: script.nodes }, (_, index) => {
      return { id: index + 1, name: `n${index + 1}` };
    });
    this.cluster = createCluster({
      nodes, clock: this.clock, seed, fencingPowersOff: true, lockspacesIgnoreRings: isApart,
      loneEchoRate, timings: { fencingMs, recoveryMs, jitterMs },
    });
    this.ledger = new Ledger(this.cluster, this.clock);
    this.hosts = this.cluster.nodes.map((node) => new SimHost(node, this));
  }

  get violations(): readonly string[] {
    return this.ledger.checker.violations;
  }

  host(id: number): SimHost {
    const host = this.hosts[id - 1];
    if (host === undefined) throw new RangeError(`there is no node ${id}`);
    return host;
  }

  note(line: string): void {
    this.trace.push(`${String(this.clock.monotonic()).padStart(8)} ${line}`);
    if (this.trace.length > 2 * TRACE_LINES_MAX) this.trace.splice(0, TRACE_LINES_MAX);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  wrapLocks(host: SimHost, lockManager: LockManager): LockManager {
    return this.#sabotage === null ? lockManager : this.#sabotage(host, lockManager);
  }

  /** Runs one thing that is due; false when nothing is. */
  async turn(): Promise<boolean> {
    const { dueCount } = this.clock;
    if (dueCount === 0) return false;
    this.turns += 1;
    if (this.turns > TURNS_MAX) throw new Error(`more than ${TURNS_MAX} turns: it never rests`);
    const isAstray = dueCount > 1 && this.random() < this.#disorder;
    if (!this.clock.run(isAstray ? Math.floor(this.random() * dueCount) : 0)) return true;
    await microtasks();
    for (const host of this.hosts) host.noticePower();
    this.ledger.check();
    return true;
  }

  /** Lets that time pass; what has a service manager is started again meanwhile. */
  async wait(ms: number): Promise<void> {
    const endMs = this.clock.monotonic() + ms;
    for (;;) {
      this.#restartDaemons();
      await this.drain();
      if (this.violations.length > 0 || this.clock.nextMs > endMs) break;
      this.clock.goTo(this.clock.nextMs);
    }
    this.clock.goTo(endMs);
  }

  async drain(): Promise<void> {
    while (this.violations.length === 0 && (await this.turn()));
  }

  /** Lets time go on until it holds; false when it does not within that time. */
  async until(holds: () => boolean, patienceMs: number): Promise<boolean> {
    const endMs = this.clock.monotonic() + patienceMs;
    while (this.clock.monotonic() < endMs && this.violations.length === 0) {
      await this.wait(LOOK_MS);
      if (holds()) return true;
    }
    return false;
  }

  async play(ops: readonly Op[]): Promise<void> {
    for (const one of ops) {
      if (this.violations.length > 0) return;
      this.note(`---- ${describeOp(one)}`);
      const operation = OPERATIONS[one.do];
      if (operation === undefined) throw new RangeError(`there is no operation '${one.do}'`);
      if (await operation.perform(this, one)) {
        this.count(one.do);
      }
      await microtasks();
      for (const host of this.hosts) host.noticePower();
      while (this.violations.length === 0 && this.random() >= this.#disorder
        && (await this.turn()));
      if (one.thenMs > 0) await this.wait(one.thenMs);
    }
  }

  /** Runs later, unless the script ends before. */
  later(delayMs: number, what: string, callback: () => void): void {
    this.clock.setTimer(Math.round(delayMs), () => {
      this.note(`---- ${what}`);
      callback();
    });
  }

  /** Daemons that are down come back, as a service manager has it, once their node is up. */
  #restartDaemons(): void {
    const nowMs = this.clock.monotonic();
    for (const host of this.hosts) {
      if (host.daemon !== null || host.node.state !== 'on') {
        this.#restarts.delete(host);
        continue;
      }
      const atMs = this.#restarts.get(host);
      if (atMs === undefined) {
        this.#restarts.set(host, nowMs + RESTART_MS);
        this.clock.setTimer(RESTART_MS, () => undefined);
      } else if (nowMs >= atMs) host.start();
    }
  }

  ownerOf(node: number, owner: string): Owner {
    if (!owner.startsWith('p')) return { kind: 'named', name: owner };
    const key = `${node} ${owner}`;
    const known = this.#processes.get(key) ?? this.cluster.node(node).startOwner();
    this.#processes.set(key, known);
    return { kind: 'process', pid: known.pid, startTime: known.startTime };
  }

  /** The owner's process ends; nothing for one that is not there. */
  endOwner(node: number, owner: string): boolean {
    const key = `${node} ${owner}`;
    const identity = this.#processes.get(key);
    if (identity === undefined) return false;
    this.#processes.delete(key);
    identity.end();
    for (const claim of this.ledger.checker.claims.values()) {
      const isIts = claim.nodeId === node && claim.owner.kind === 'process'
        && claim.owner.pid === identity.pid;
      if (!isIts) continue;
      claim.hasEnded = true;
      claim.belief = 'none';
    }
    return true;
  }

  endProcesses(): void {
    for (const key of [...this.#processes.keys()]) {
      const [node, owner] = key.split(' ');
      this.endOwner(Number(node), owner ?? '');
    }
  }

  claimOf({ node, owner, resource }: Pick<Op, 'node' | 'owner' | 'resource'>): Claim {
    return this.ledger.checker.claim(node, this.ownerOf(node, owner), resource);
  }

  /** Hears an answer of that host's daemon, if it lives to tell it. */
  hear<Result>(
    host: SimHost, answer: Promise<Result>, tell: (result: Result) => void,
    refuse: (code: string, message: string) => void,
  ): void {
    host.daemon?.answer(answer).then(tell, (thrown: unknown) => {
      if (thrown instanceof CoordinatorError) refuse(thrown.code, thrown.message);
      else this.ledger.checker.fail('7 nothing throws', String(thrown));
    }).catch((thrown: unknown) => this.ledger.checker.fail('7 nothing throws', String(thrown)));
  }
}

/** All microtasks run before an immediate does. */
export function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
