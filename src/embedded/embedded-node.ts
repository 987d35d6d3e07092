import type { NodeOptions } from './options.js';
import { EmbeddedProcess, type ProcessModules } from './embedded-process.js';
import { Owners, type EmbeddedOwner } from './owners.js';

/** The first pid given to an embedded process; every later one on that node is higher. */
const PID_FIRST = 1_000;

/** One node: its power, its boot, its processes. The cluster moves it; see there. */
export class EmbeddedNode {
  readonly id: number;
  readonly name: string;
  readonly #modules: Omit<ProcessModules, 'watchFor' | 'ended'>;
  readonly #createBootId: () => string;
  readonly #processes = new Set<EmbeddedProcess>();
  readonly #owners: Owners;
  #bootId: string;
  #state: 'on' | 'paused' | 'off' = 'on';
  #pidNext = PID_FIRST;

  constructor(
    options: NodeOptions,
    modules: Omit<ProcessModules, 'watchFor' | 'ended'> & { readonly createBootId: () => string },
  ) {
    this.id = options.id;
    this.name = options.name;
    this.#modules = modules;
    this.#createBootId = modules.createBootId;
    this.#bootId = modules.createBootId();
    this.#owners = new Owners(() => this.#nextPid());
  }

  /** As in /proc/sys/kernel/random/boot_id: another one after each power-on. */
  get bootId(): string {
    return this.#bootId;
  }

  get state(): 'on' | 'paused' | 'off' {
    return this.#state;
  }

  /** Those that live. */
  get processes(): readonly EmbeddedProcess[] {
    return [...this.#processes];
  }

  /** Throws on a node without power. */
  startProcess(): EmbeddedProcess {
    if (this.#state === 'off') throw new Error(`node ${this.id} is off; power it on first`);
    const process = new EmbeddedProcess(this.id, this.#nextPid(), {
      ...this.#modules,
      watchFor: (clock) => this.#owners.watchFor(clock),
      ended: (ended) => this.#processes.delete(ended),
    });
    if (this.#state === 'paused') process.hold();
    this.#processes.add(process);
    return process;
  }

  /** A process that owns locks. Give a pid to have one used again. */
  startOwner(pid?: number): EmbeddedOwner {
    return this.#owners.start(pid);
  }

  /** on | paused -> off. */
  losePower(): void {
    this.#state = 'off';
    this.#owners.clear();
    for (const process of this.#processes) process.kill();
  }

  /** off -> on, with another boot id. */
  gainPower(): void {
    this.#state = 'on';
    this.#bootId = this.#createBootId();
  }

  /** on -> paused. */
  pause(): void {
    this.#state = 'paused';
    for (const process of this.#processes) process.hold();
  }

  /** paused -> on. */
  resume(): void {
    this.#state = 'on';
    for (const process of this.#processes) process.release();
  }

  #nextPid(): number {
    this.#pidNext += 1;
    return this.#pidNext;
  }
}
