import type { CoordinatorEvent, PeerState } from '../../../src/coordinator/core/view.js';
import type { LockManager } from '../../../src/dlm/index.js';
import type { EmbeddedNode } from '../../../src/embedded/index.js';
import { nameOf, type Claim } from '../checker.js';
import { listedIn } from '../listed-in.js';
import { SimDisk } from '../sim-disk.js';
import { LIST_PATH } from '../sim-process.js';
import { Daemon } from './daemon.js';
import type { Ledger } from './ledger.js';
import type { Trouble } from './troubled-disk.js';

/** What a host asks of the cluster that it is in. */
export interface Surroundings {
  readonly ledger: Ledger;
  readonly clock: { monotonic(): number };
  note(line: string): void;
  /** Puts a fault into what every daemon of the host asks of DLM: to check the checker. */
  wrapLocks(host: SimHost, lockManager: LockManager): LockManager;
}

/** One machine of the cluster: its disk, and the daemon that lives there or not. */
export class SimHost {
  readonly id: number;
  readonly name: string;
  readonly disk = new SimDisk();
  readonly trouble: Trouble = { delayMs: 0, failure: null };
  readonly node: EmbeddedNode;
  daemon: Daemon | null = null;
  /** How far the machine's wall clock is off, in ms. */
  clockOffMs = 0;
  /** Whether the kernel's tables can be read by a daemon that starts now. */
  hasTables = true;
  /** Since when this host's daemon has called a node down, by its id. */
  readonly downSinceMs = new Map<number, number>();
  readonly #around: Surroundings;
  #hasPower = true;
  /** Of what the disk was not asked to sync, the part that a loss of power leaves. */
  keptPart = 0.5;

  constructor(node: EmbeddedNode, around: Surroundings) {
    this.node = node;
    this.id = node.id;
    this.name = node.name;
    this.#around = around;
  }

  /** Starts a daemon; nothing when one runs, or without power. */
  start(): void {
    if (this.daemon !== null || this.node.state === 'off') return;
    this.#hasPower = true;
    const { disk, trouble, hasTables, name } = this;
    this.daemon = new Daemon({
      nodeName: name, bootId: this.node.bootId, disk, trouble, hasTables,
      clockOffMs: () => this.clockOffMs,
      wrapLocks: (lockManager) => this.#around.wrapLocks(this, lockManager),
      noteLog: (level, message) => this.#noteLog(level, message),
      noteEvent: (event) => this.#noteEvent(event),
      noteFailure: (thrown) => this.#noteFailure(thrown),
    }, this.node.startProcess());
  }

  killDaemon(): void {
    if (this.daemon === null) return;
    this.daemon.kill();
    this.daemon = null;
    this.downSinceMs.clear();
    for (const claim of this.#claims()) {
      const isOpen = claim.asking > 0 || claim.releasing > 0;
      if (isOpen && claim.belief !== 'held' && !claim.hasEnded) claim.belief = 'unsure';
      claim.asking = 0;
      claim.releasing = 0;
    }
  }

  /**
   * To be called after every turn: fencing may have switched the machine off. What its disk still
   * lists must be reported after the reboot; the owners themselves are gone.
   */
  noticePower(): void {
    if (this.node.state !== 'off' || !this.#hasPower) return;
    this.#hasPower = false;
    this.#around.note(`${this.name} has lost its power`);
    this.killDaemon();
    this.disk.losePower(this.keptPart);
    const { checker } = this.#around.ledger;
    checker.powerLost(this.#claims(), listedIn(this.disk.bytesOf(LIST_PATH)));
  }

  #claims(): readonly Claim[] {
    const { claims } = this.#around.ledger.checker;
    return [...claims.values()].filter(({ nodeId }) => nodeId === this.id);
  }

  #noteLog(level: string, message: string): void {
    this.#around.note(`${this.name} ${level}: ${message}`);
    if (message.startsWith('a listener failed')) {
      this.#around.ledger.checker.fail('7 nothing throws', message);
    }
    if (!/ is LOST| ended with a reboot/.test(message)) return;
    this.#around.ledger.checker.toldLost(this.id, message);
  }

  #noteEvent(event: CoordinatorEvent): void {
    const { ledger } = this.#around;
    const note = (line: string): void => this.#around.note(line);
    if (event.type === 'standing') note(`${this.name} is ${JSON.stringify(event.standing)}`);
    if (event.type === 'node') this.#notePeer(event.node.id, event.node.state, event.node.bootId);
    if (event.type !== 'lock') return;
    const { resource, owner, mode, state, node, generation } = event.lock;
    if (node.id !== this.id || owner === null) return;
    note(`${this.name} shows ${resource} ${mode} ${state} of ${nameOf(owner)}${event.gone ? ', gone' : ''}`);
    if (state === 'lost') ledger.checker.toldLost(this.id, `'${resource}' ${nameOf(owner)}`);
    const whose = `${nameOf(owner)} on ${this.name}`;
    if (event.gone) ledger.ended(resource, whose);
    else if (state === 'held') ledger.seenGeneration(resource, mode, generation, whose);
  }

  #notePeer(id: number, state: PeerState, bootId: string | null): void {
    const { ledger, clock } = this.#around;
    if (id === this.id) return;
    this.#around.note(`${this.name} calls n${id} ${state}`);
    if (state === 'node-down') this.downSinceMs.set(id, clock.monotonic());
    if (state !== 'recovered') return;
    ledger.checkRecovered(this.name, id, bootId, this.downSinceMs.get(id) ?? 0);
  }

  /** A daemon may end by itself when its disk fails; otherwise it never should. */
  #noteFailure(thrown: unknown): void {
    this.#around.note(`${this.name}'s daemon ends: ${String(thrown)}`);
    if (this.trouble.failure === null) {
      this.#around.ledger.checker.fail('7 nothing throws', `${this.name}: ${String(thrown)}`);
    }
    this.killDaemon();
  }
}
