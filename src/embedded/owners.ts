import type { Clock } from '../clock.js';
import type { ProcessIdentity, ProcessWatch, Watched } from '../process-watch/port.js';

/** An embedded process that owns locks: it does nothing but live and end. */
export interface EmbeddedOwner extends ProcessIdentity {
  end(): void;
}

/** The processes of one node that may own locks, and the news of their ends. */
export class Owners {
  readonly #nextPid: () => number;
  readonly #living = new Map<number, ProcessIdentity>();
  readonly #watches = new Set<{ readonly process: ProcessIdentity; readonly ended: () => void }>();
  #started = 0;

  constructor(nextPid: () => number) {
    this.#nextPid = nextPid;
  }

  start(pid = this.#nextPid()): EmbeddedOwner {
    this.#started += 1;
    const identity = { pid, startTime: this.#started };
    this.#living.set(pid, identity);
    return { ...identity, end: () => this.#end(identity) };
  }

  /** The node lost its power: they are gone, and so is everyone who watched them. */
  clear(): void {
    this.#living.clear();
    this.#watches.clear();
  }

  /** The ProcessWatch of one process of this node; `clock` ends with that process. */
  watchFor(clock: Clock): ProcessWatch {
    return {
      identify: (pid) => Promise.resolve(this.#living.get(pid) ?? null),
      watch: (process, ended) => this.#watch(clock, process, ended),
    };
  }

  #watch(clock: Clock, process: ProcessIdentity, ended: () => void): Watched {
    let open = true;
    const tell = (): void => {
      this.#watches.delete(watch);
      clock.setTimer(0, () => {
        if (open) ended();
        open = false;
      });
    };
    const watch = { process, ended: tell };
    this.#watches.add(watch);
    if (!this.#isAlive(process)) tell();
    return {
      close: () => {
        open = false;
        this.#watches.delete(watch);
      },
    };
  }

  #end(identity: ProcessIdentity): void {
    if (!this.#isAlive(identity)) return;
    this.#living.delete(identity.pid);
    for (const watch of [...this.#watches]) {
      if (watch.process.pid === identity.pid) watch.ended();
    }
  }

  #isAlive({ pid, startTime }: ProcessIdentity): boolean {
    return this.#living.get(pid)?.startTime === startTime;
  }
}
