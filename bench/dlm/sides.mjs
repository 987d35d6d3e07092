import { BoundChild } from '../../build/test/lab/host/bound-child.js';
import { Twin } from '../twin.mjs';

/** Where programs of the bench run: on this machine, or in a guest of the lab by its ssh words. */
export function machineOf(sshWords = []) {
  return {
    spawn: (program, args, options) => {
      const [first, ...rest] = [...sshWords, program, ...args];
      return BoundChild.start(first, rest, options);
    },
  };
}

const WARM_TIMEOUT_MS = 240_000;

/**
 * The two sides of a comparison: our loop, which stays for all rounds as a daemon does, and the C
 * loop, which starts afresh for each. `ours` is a list of words, settings of the environment
 * first; `loop` is a line for a shell.
 */
export class Sides {
  #ours;
  #shell;
  #loop;
  #names = 0;

  constructor(machine, { ours, loop }) {
    this.#ours = new Twin(machine, 'our loop', 'env', ours);
    this.#shell = new Twin(machine, 'the C loop', 'sh', []);
    this.#loop = loop;
  }

  async ready() {
    await this.#ours.ready();
    return this;
  }

  ours(kind, inFlight, durationMs) {
    return this.#ours.ask(`${kind} ${inFlight} ${durationMs}`);
  }

  /** So many pairs, however long they take. */
  warm(kind, inFlight, pairs) {
    return this.#ours.ask(`${kind} ${inFlight} 1 ${pairs}`, { timeoutMs: WARM_TIMEOUT_MS });
  }

  c(algorithm, kind, inFlight, durationMs) {
    this.#names += 1;
    // Each run of fresh names has a prefix of its own; local ones meet their own names again.
    const prefix = kind === 'local' ? 'c-local' : `c${process.pid}-${this.#names}`;
    return this.#shell.ask(`${this.#loop} ${algorithm} ${kind} ${inFlight} ${durationMs} ${prefix}`);
  }

  async end() {
    await this.#ours.end();
    await this.#shell.end();
  }
}
