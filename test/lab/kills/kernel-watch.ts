import { KERNEL_MODE, parseKernelTable, type KernelEntry } from '../kernel-table.js';
import type { Holding, Witness } from './witness.js';

/** The file is no snapshot: a lock that is there may be skipped once, not so often in a row. */
const MISSING_MAX = 3;

/** Where a node's table comes from. */
export interface TableSource {
  read(): Promise<string>;
  close(): void;
}

/**
 * Looks at one node's kernel again and again. Whoever is a holder by the witness's word from before
 * a look to after it must be in the table; and of locks on a resource that this node is master of,
 * which the kernel shows together with those of the other nodes, no two may exclude each other.
 */
export class KernelWatch {
  readonly node: number;
  readonly #witness: Witness;
  readonly #source: TableSource;
  readonly #missing = new Map<Holding, number>();
  #stopped = false;
  #samples = 0;
  #heldSeen = 0;
  #mastersSeen = 0;
  readonly #done: Promise<void>;

  constructor(node: number, source: TableSource, witness: Witness, pauseMs: number) {
    this.node = node;
    this.#witness = witness;
    this.#source = source;
    this.#done = this.#watch(pauseMs);
    // `stop` tells; a test that fails before it has its own reason to tell.
    this.#done.catch(() => undefined);
  }

  /** How often the table was read, and how many checks there were something to check in. */
  get counts(): { samples: number; holders: number; mastered: number } {
    return { samples: this.#samples, holders: this.#heldSeen, mastered: this.#mastersSeen };
  }

  /** Ends the watching; rejects when the tables could not be read any more before that. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    this.#source.close();
  }

  async #watch(pauseMs: number): Promise<void> {
    while (!this.#stopped) {
      const before = this.#witness.holdingsOf(this.node);
      const entries = parseKernelTable(await this.#source.read());
      const after = new Set(this.#witness.holdingsOf(this.node));
      this.#samples += 1;
      this.#checkHolders(before.filter((holding) => after.has(holding)), entries);
      this.#checkMastered(entries);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  #checkHolders(holdings: readonly Holding[], entries: readonly KernelEntry[]): void {
    for (const holding of holdings) {
      this.#heldSeen += 1;
      const { resource, mode, owner } = holding;
      const granted = entries.filter((entry) => entry.local && entry.resource === resource
        && entry.granted >= KERNEL_MODE[mode]);
      const owners = holdings.filter((other) => other.resource === resource).length;
      const missed = granted.length >= owners ? 0 : (this.#missing.get(holding) ?? 0) + 1;
      this.#missing.set(holding, missed);
      if (missed !== MISSING_MAX) continue;
      this.#witness.complain(`${owner} holds '${resource}' in ${mode}, and the kernel of ` +
        `n${this.node} has ${granted.length} such locks for ${owners} holders: ` +
        textOf(entries, resource));
    }
  }

  #checkMastered(entries: readonly KernelEntry[]): void {
    const mastered = entries.filter((entry) => entry.mastered);
    for (const name of new Set(mastered.map(({ resource }) => resource))) {
      this.#mastersSeen += 1;
      const modes = mastered.filter((entry) => entry.resource === name)
        .map(({ granted }) => granted).filter((granted) => granted > KERNEL_MODE.NL);
      if (modes.length > 1 && modes.includes(KERNEL_MODE.EX)) {
        this.#witness.complain(`the kernel of n${this.node} has granted '${name}' to too many: ` +
          textOf(entries, name));
      }
    }
  }
}

function textOf(entries: readonly KernelEntry[], resource: string): string {
  return JSON.stringify(entries.filter((entry) => entry.resource === resource));
}
