import type { Clock } from '../../../src/clock.js';
import { Coordinator, openLockList } from '../../../src/coordinator/index.js';
import type { CoordinatorEvent } from '../../../src/coordinator/core/view.js';
import { DlmError, type LockManager, type Lockspace } from '../../../src/dlm/index.js';
import type { EmbeddedProcess } from '../../../src/embedded/index.js';
import { never, type SimDisk } from '../sim-disk.js';
import { troubledDisk, type Trouble } from './troubled-disk.js';

/** So small that compaction happens in the middle of short scripts. */
const DEAD_LINES_MAX = 6;

/** Where a daemon lives and whom it tells. */
export interface DaemonHome {
  readonly nodeName: string;
  readonly bootId: string;
  readonly disk: SimDisk;
  readonly trouble: Trouble;
  /** False: the kernel's tables are not to be read in this run. */
  readonly hasTables: boolean;
  readonly clockOffMs: () => number;
  readonly wrapLocks: (lockManager: LockManager) => LockManager;
  readonly noteLog: (level: string, message: string) => void;
  readonly noteEvent: (event: CoordinatorEvent) => void;
  /** It cannot run, or cannot go on. */
  readonly noteFailure: (thrown: unknown) => void;
}

/** One run of a daemon on an embedded node, with its child and its disk. */
export class Daemon {
  /** Null until it has read its list. */
  coordinator: Coordinator | null = null;
  readonly process: EmbeddedProcess;
  readonly #home: DaemonHome;
  readonly #user: { pass(): boolean; later(): Promise<void> };

  constructor(home: DaemonHome, process: EmbeddedProcess) {
    this.#home = home;
    this.process = process;
    this.#user = { pass: () => this.isAlive, later: () => this.#pause(0) };
    void this.#start();
  }

  get isAlive(): boolean {
    return this.process.alive;
  }

  /** The process's clock, as far off as the machine's is. */
  get #clock(): Clock {
    const { clock } = this.process;
    return {
      now: () => clock.now() + this.#home.clockOffMs(),
      monotonic: () => clock.monotonic(),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    };
  }

  /** SIGKILL: no call of it has an effect from now on, and no promise of it settles. */
  kill(): void {
    this.process.kill();
    this.#home.disk.forget(this.#user);
  }

  async #start(): Promise<void> {
    const { nodeName, bootId, noteFailure, noteEvent, wrapLocks } = this.#home;
    const { pid, openGroup, openQuorum, processWatch } = this.process;
    const clock = this.#clock;
    const note = (level: string, message: string): void => {
      if (this.isAlive) this.#home.noteLog(level, message);
    };
    const fail = (thrown: unknown): void => {
      if (this.isAlive) noteFailure(thrown);
    };
    try {
      const coordinator = await Coordinator.start({
        nodeName, bootId, incarnation: incarnationOf(bootId, pid), lockspace: 'holdfast',
        group: 'holdfast', softwareVersion: '0.0.0-simulation', unsafeNoFencing: false,
      }, {
        openGroup, openQuorum, processWatch, clock, log: note,
        lockManager: wrapLocks(this.#tables(this.process.lockManager())),
        openList: () => this.#openList(note),
      });
      coordinator.done.catch(fail);
      coordinator.subscribe((event) => {
        if (this.isAlive) noteEvent(event);
      });
      this.coordinator = coordinator;
    } catch (thrown) {
      fail(thrown);
    }
  }

  #openList(note: (level: string, message: string) => void) {
    const { disk, trouble, bootId } = this.#home;
    return openLockList({
      directory: '/list', bootId, lockspace: 'holdfast', clock: this.#clock,
      log: {
        info: (message: string) => note('info', message),
        warn: (message: string) => note('warn', message),
        error: (message: string) => note('error', message),
      },
      disk: troubledDisk(disk.for(this.#user, () => 0), trouble, (ms) => this.#pause(ms)),
      deadLinesMax: DEAD_LINES_MAX,
    });
  }

  #tables(lockManager: LockManager): LockManager {
    if (this.#home.hasTables) return lockManager;
    return replaced(lockManager, 'openLockspace', async (...args: unknown[]) => {
      const opened = await lockManager.openLockspace(...(args as [string]));
      return replaced<Lockspace>(opened, 'localLocks', () =>
        Promise.reject(new DlmError('KERNEL', 'local locks', 'local locks: no debugfs here')));
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.process.clock.setTimer(ms, resolve));
  }

  /** An answer on its way to whom it is for; never when the daemon dies before. */
  async answer<Result>(answer: Promise<Result>): Promise<Result> {
    try {
      const result = await answer;
      return this.isAlive ? result : await never();
    } catch (thrown) {
      if (this.isAlive) throw thrown;
      return never();
    }
  }
}

/** Unique for a run of a daemon: pids begin again with a boot, and boots have numbers. */
function incarnationOf(bootId: string, pid: number): string {
  const digits = `${bootId.replaceAll('-', '').slice(0, 24)}${pid.toString(16).padStart(8, '0')}`;
  return digits.padStart(32, '0');
}

/** The same object with one of its calls replaced. */
export function replaced<Target extends object>(
  target: Target, name: keyof Target & string, call: (...args: unknown[]) => unknown,
): Target {
  return new Proxy(target, {
    get: (object, key) => {
      if (key === name) return call;
      const value: unknown = Reflect.get(object, key, object);
      return typeof value === 'function'
        ? (...args: unknown[]) => Reflect.apply(value, object, args) as unknown : value;
    },
  });
}
