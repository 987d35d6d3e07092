import { Coordinator, openLockList } from '../../../src/coordinator/index.js';
import type { CoordinatorEvent } from '../../../src/coordinator/core/view.js';
import type { EmbeddedNode, EmbeddedProcess } from '../../../src/embedded/index.js';
import { MemoryDisk } from '../../coordinator/list/memory-disk.js';
import { watchLocks } from '../../simulation/watched-locks.js';
import { watchDisk, watchGroup } from './boundary.js';

interface Running {
  readonly process: EmbeddedProcess;
  readonly coordinator: Coordinator;
}

/** One node of a scenario: its disk, its log, and the coordinator that lives there or not. */
export class ScenarioNode {
  readonly id: number;
  /** Every line that its coordinators logged, `level text`, oldest first. */
  readonly log: string[] = [];
  /** Every event that they published. */
  readonly events: CoordinatorEvent[] = [];
  /** Why its last coordinator could not go on; null unless that happened. */
  failure: unknown = null;
  readonly #node: EmbeddedNode;
  #disk = new MemoryDisk();
  #running: Running | null = null;
  #starts = 0;
  /** How many boundaries its coordinators have passed; see boundary.ts. */
  boundaries = 0;
  /** At the how-manyth of them it dies; null = at none. */
  diesAt: number | null = null;

  constructor(node: EmbeddedNode) {
    this.#node = node;
    this.id = node.id;
  }

  /** What the lock list is on. Another one after a crash, with the same bytes. */
  get disk(): MemoryDisk {
    return this.#disk;
  }

  /** Another disk for the next start: somebody deleted the list, or put an old one back. */
  replaceDisk(disk: MemoryDisk): void {
    this.#disk = disk;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  get coordinator(): Coordinator {
    return this.#living().coordinator;
  }

  get process(): EmbeddedProcess {
    return this.#living().process;
  }

  async start(): Promise<void> {
    if (this.#running !== null) throw new Error(`n${this.id} has a coordinator already`);
    this.#starts += 1;
    this.failure = null;
    const process = this.#node.startProcess();
    const { clock, openGroup, openQuorum, processWatch } = process;
    const { bootId, name } = this.#node;
    const note = (level: string, message: string) => this.log.push(`${level} ${message}`);
    const log = {
      info: (message: string) => note('info', message),
      warn: (message: string) => note('warn', message),
      error: (message: string) => note('error', message),
    };
    let isAlive = true;
    const pass = (): boolean => {
      if (this.diesAt !== null && isAlive && this.boundaries === this.diesAt) {
        isAlive = false;
        this.crash();
      }
      this.boundaries += 1;
      return isAlive;
    };
    const disk = watchDisk(this.#disk, pass);
    const start = String(this.id * 1_000 + this.#starts);
    const coordinator = await Coordinator.start({
      nodeName: name, incarnation: start.padStart(32, '0'), bootId, lockspace: 'holdfast',
      group: 'holdfast', softwareVersion: '0.0.0-scenario', unsafeNoFencing: false,
    }, {
      openGroup: async (...args) => watchGroup(await openGroup(...args), pass),
      openQuorum, processWatch, clock,
      lockManager: watchLocks(process.lockManager(), { pass, noteTake: () => undefined }),
      openList: () => openLockList({
        directory: '/list', bootId, lockspace: 'holdfast', clock, log, disk,
      }),
      log: note,
    });
    coordinator.subscribe((event) => this.events.push(event));
    coordinator.done.catch((error: unknown) => {
      this.failure = error;
    });
    this.#running = { process, coordinator };
  }

  /** kill -9: nothing of it is written, sent or heard any more; its disk stays as it is. */
  crash(): void {
    this.#running?.process.kill();
    this.bury();
  }

  /** Forgets a coordinator whose process has ended by itself or with its node. */
  bury(): void {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    this.#disk = copyOf(this.#disk);
    running.coordinator.abandon();
  }

  /** Fencing may have switched the node off, and its processes with it. */
  buryIfOff(): void {
    if (this.#node.state === 'off') this.bury();
  }

  /** A clean stop; the process ends after it. */
  async stop(locks: 'refuse' | 'release' | 'keep'): Promise<number> {
    const { kept } = await this.coordinator.stop(locks);
    this.crash();
    return kept;
  }

  describe(): string {
    if (this.#running === null) return `n${this.id} has no coordinator`;
    const { coordinator } = this.#running;
    const nodes = coordinator.nodes().map(({ name, state }) => `${name} ${state}`).join(', ');
    const tail = this.log.slice(-8).map((line) => `    ${line}`).join('\n');
    return `n${this.id} ${JSON.stringify(coordinator.status().standing)} [${nodes}]\n${tail}`;
  }

  #living(): Running {
    if (this.#running === null) throw new Error(`n${this.id} has no coordinator`);
    return this.#running;
  }
}

function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk();
  for (const [path, { bytes }] of disk.files) copy.put(path, Buffer.from(bytes));
  return copy;
}
