import type { Clock } from '../../src/clock.js';
import type { CoordinatorEvent } from '../../src/coordinator/core/view.js';
import type { LockEngine } from '../../src/embedded/index.js';
import { Owners } from '../../src/embedded/owners.js';
import type { Boundaries, CrashPlan, Victim } from './boundaries.js';
import { nameOf, type Checker } from './checker.js';
import { damaged } from './damage.js';
import { listedIn } from './listed-in.js';
import type { SimBus } from './sim-bus.js';
import { SimDisk } from './sim-disk.js';
import { LIST_PATH, SimProcess } from './sim-process.js';

/** What a node shares with the others. */
export interface Cluster {
  readonly clock: Clock;
  readonly engine: LockEngine;
  readonly bus: SimBus;
  readonly boundaries: Boundaries;
  readonly checker: Checker;
  /** All nodes that have power form a ring. */
  ring(): void;
}

/** Lines that a list in order never causes. */
const ALARMS = /contradicts|could not be carried out|cannot be written|is damaged|no record/;

/** One machine: its power, its disk, its owners, and the daemon that lives there or not. */
export class SimNode implements Victim {
  readonly id: number;
  readonly name: string;
  readonly disk = new SimDisk();
  readonly log: string[] = [];
  owners: Owners;
  process: SimProcess | null = null;
  isOn = true;
  readonly #cluster: Cluster;
  #boots = 1;
  #pids = 100;

  constructor(id: number, cluster: Cluster) {
    this.id = id;
    this.name = `n${id}`;
    this.#cluster = cluster;
    this.owners = this.#newOwners();
  }

  /** Starts a daemon, on a node that is booted first when it is off. */
  start(): void {
    if (!this.isOn) this.#powerOn();
    const { clock, engine, bus, checker } = this.#cluster;
    this.process = new SimProcess({
      nodeId: this.id, nodeName: this.name, bootId: `boot-${this.id}-${this.#boots}`,
      clock, engine, bus, disk: this.disk, owners: this.owners,
      pass: (label, bytes) => this.#cluster.boundaries.pass(this, label, bytes),
      tornBytes: (bytes) => this.#cluster.boundaries.tornBytes(bytes),
      noteLog: (level, message) => this.#noteLog(level, message),
      noteEvent: (event) => this.#noteEvent(event),
      noteFailure: (thrown) => checker.fail('7 nothing throws', `${this.name}: ${String(thrown)}`),
      noteTake: (pid, resource) => checker.checkTake(this.id, pid, resource),
    }, this.#nextPid());
  }

  crash(plan: CrashPlan): void {
    switch (plan.kind) {
      case 'daemon':
      case 'torn':
        this.killDaemon();
        break;
      case 'cut':
      case 'flip':
        this.killDaemon();
        this.#cluster.checker.isDamaged = true;
        this.#cluster.checker.isCut = plan.kind === 'cut';
        this.disk.damage(LIST_PATH, (bytes) => damaged(bytes, plan));
        break;
      case 'child':
        this.process?.killChild();
        break;
      case 'node':
        this.powerOff(plan.amount / 100);
        break;
      default:
        plan.kind satisfies never;
    }
  }

  killDaemon(): void {
    this.process?.kill();
    this.process = null;
    for (const claim of this.#claims()) {
      const isOpen = claim.asking > 0 || claim.releasing > 0;
      if (isOpen && claim.belief !== 'held' && !claim.hasEnded) claim.belief = 'unsure';
      claim.asking = 0;
      claim.releasing = 0;
    }
  }

  /**
   * The machine dies. What its disk still lists must be reported after the reboot; of what it does
   * not, the new boot alone tells, so that nobody believes in it any more.
   */
  powerOff(kept: number): void {
    this.killDaemon();
    this.isOn = false;
    this.owners.clear();
    this.owners = this.#newOwners();
    this.disk.losePower(kept);
    const { engine, checker } = this.#cluster;
    engine.nodeDied(this.id);
    this.#cluster.ring();
    checker.powerLost(this.#claims(), listedIn(this.disk.bytesOf(LIST_PATH)));
  }

  #powerOn(): void {
    const { engine } = this.#cluster;
    this.isOn = true;
    this.#boots += 1;
    engine.confirmFenced(this.id);
    engine.daemonStarted(this.id);
    this.#cluster.ring();
  }

  #claims() {
    const { claims } = this.#cluster.checker;
    return [...claims.values()].filter(({ nodeId }) => nodeId === this.id);
  }

  #newOwners(): Owners {
    return new Owners(() => this.#nextPid());
  }

  #nextPid(): number {
    this.#pids += 1;
    return this.id * 10_000 + this.#pids;
  }

  #noteLog(level: string, message: string): void {
    const { boundaries, checker } = this.#cluster;
    boundaries.trace?.push(`      ${this.name} log ${level}: ${message}`);
    if (/ is LOST| ended with a reboot/.test(message)) checker.toldLost(this.id, message);
    if (!checker.isDamaged && ALARMS.test(message)) {
      checker.fail('6 a list in order', `${this.name}: ${message}`);
    }
  }

  #noteEvent(event: CoordinatorEvent): void {
    const { boundaries, checker } = this.#cluster;
    if (event.type !== 'lock' || event.lock.state !== 'lost' || event.lock.owner === null) return;
    boundaries.trace?.push(`      ${this.name} tells that ${event.lock.resource} is lost`);
    const { resource, owner } = event.lock;
    checker.toldLost(this.id, `'${resource}' ${nameOf(owner)}`);
  }
}
