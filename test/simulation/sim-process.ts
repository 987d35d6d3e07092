import type { Clock } from '../../src/clock.js';
import { Coordinator, openLockList } from '../../src/coordinator/index.js';
import type { CoordinatorEvent } from '../../src/coordinator/core/view.js';
import type { EmbeddedLockManager, LockEngine } from '../../src/embedded/index.js';
import type { Owners } from '../../src/embedded/owners.js';
import { ProcessClock } from '../../src/embedded/process-clock.js';
import { never, type SimDisk } from './sim-disk.js';
import type { SimBus } from './sim-bus.js';
import { watchLocks } from './watched-locks.js';

export const LIST_PATH = '/list/locks.jsonl';
/** So small that compaction happens in the middle of short scripts. */
const DEAD_LINES_MAX = 6;

/** Where a process lives and whom it tells. */
export interface Home {
  readonly nodeId: number;
  readonly nodeName: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly engine: LockEngine;
  readonly bus: SimBus;
  readonly disk: SimDisk;
  readonly owners: Owners;
  readonly pass: (label: string, bytes: number) => void;
  readonly tornBytes: (bytes: number) => number;
  readonly noteLog: (level: string, message: string) => void;
  readonly noteEvent: (event: CoordinatorEvent) => void;
  readonly noteFailure: (thrown: unknown) => void;
  readonly noteTake: (pid: number, resource: string) => void;
}

/** One run of a daemon, with its child: everything it does passes the boundaries. */
export class SimProcess {
  readonly nodeId: number;
  readonly pid: number;
  readonly clock: ProcessClock;
  /** Null until it has read its list. */
  coordinator: Coordinator | null = null;
  #isAlive = true;
  readonly #home: Home;
  readonly #locks: EmbeddedLockManager;

  constructor(home: Home, pid: number) {
    this.#home = home;
    this.nodeId = home.nodeId;
    this.pid = pid;
    this.clock = new ProcessClock(home.clock);
    this.#locks = home.engine.lockManager({ nodeId: this.nodeId, pid, clock: this.clock });
    void this.#start();
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  pass(label: string, bytes = 0): boolean {
    if (this.#isAlive) this.#home.pass(label, bytes);
    return this.#isAlive;
  }

  noteTake(resource: string): void {
    this.#home.noteTake(this.pid, resource);
  }

  later(): Promise<void> {
    return new Promise((resolve) => this.clock.setTimer(0, resolve));
  }

  /** SIGKILL: no call of it has an effect from now on, and no promise of it settles. */
  kill(): void {
    this.#isAlive = false;
    this.clock.end();
    this.#home.disk.forget(this);
    this.#home.bus.disconnect(this);
    this.#locks.vanish();
  }

  killChild(): void {
    this.#locks.killChild();
  }

  async #start(): Promise<void> {
    const { nodeName, bootId, bus, disk, owners, tornBytes, noteFailure } = this.#home;
    const { clock } = this;
    const note = (level: string, message: string): void => this.#log(level, message);
    const log = {
      info: (message: string) => note('info', message),
      warn: (message: string) => note('warn', message),
      error: (message: string) => note('error', message),
    };
    try {
      const coordinator = await Coordinator.start({
        nodeName, bootId, incarnation: String(this.pid).padStart(32, '0'), lockspace: 'holdfast',
        group: 'holdfast', softwareVersion: '0.0.0-simulation', unsafeNoFencing: false,
      }, {
        openGroup: () => Promise.resolve(bus.openGroup(this)),
        openQuorum: () => Promise.resolve(bus.openQuorum(this)),
        lockManager: watchLocks(this.#locks, this),
        openList: () => openLockList({
          directory: '/list', bootId, lockspace: 'holdfast', clock, log,
          disk: disk.for(this, tornBytes), deadLinesMax: DEAD_LINES_MAX,
        }),
        processWatch: owners.watchFor(clock), clock, log: note,
      });
      coordinator.done.catch((thrown: unknown) => noteFailure(thrown));
      coordinator.subscribe((event) => this.#publish(event));
      this.coordinator = coordinator;
    } catch (thrown) {
      if (this.#isAlive) noteFailure(thrown);
    }
  }

  /** What tells people of a lock's end counts: a crash may come before it or after it. */
  #log(level: string, message: string): void {
    if (level === 'debug' || level === 'info') {
      if (this.#isAlive) this.#home.noteLog(level, message);
      return;
    }
    if (!this.pass(`before log: ${message}`)) return;
    this.#home.noteLog(level, message);
    this.pass('after log');
  }

  #publish(event: CoordinatorEvent): void {
    if (this.#isAlive) this.#home.noteEvent(event);
  }

  /** An answer on its way to whom it is for; never when the process dies before. */
  async answer<Result>(answer: Promise<Result>, tell: (result: Result) => void): Promise<void> {
    const result = await answer;
    if (!this.pass('before reply')) return never();
    tell(result);
    this.pass('after reply');
  }
}
