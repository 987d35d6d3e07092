/** Somebody who was told that it holds a lock, for as long as it says so. */
export interface Holding {
  readonly node: number;
  readonly owner: string;
  readonly resource: string;
  readonly mode: 'EX' | 'PR';
  /** The fencing token of the grant; absent where there is none. */
  readonly generation?: number | null;
}

/** Beyond this many nobody reads on. */
const VIOLATIONS_MAX = 50;

/**
 * Hears of every holder's beginning and end, and so sees two of them overlap without looking at any
 * lock: holders say `begin` after they were told that they hold, and `end` before they let go.
 */
export class Witness {
  readonly violations: string[] = [];
  /** How many holdings of each mode have begun. */
  readonly begun = { EX: 0, PR: 0 };
  readonly #holdings = new Set<Holding>();
  readonly #say: (violation: string) => void;
  readonly #generations = new Map<string, number>();
  #generationsSeen = 0;

  /** `say` hears of each violation at once: whoever watches need not wait for the end. */
  constructor(say: (violation: string) => void = () => undefined) {
    this.#say = say;
  }

  get generationsSeen(): number {
    return this.#generationsSeen;
  }

  begin(holding: Holding): void {
    this.begun[holding.mode] += 1;
    for (const other of this.#holdings) {
      if (other.resource !== holding.resource) continue;
      if (other.mode === 'PR' && holding.mode === 'PR') continue;
      this.complain(`${describe(holding)} while ${describe(other)} still holds it`);
    }
    this.#checkGeneration(holding);
    this.#holdings.add(holding);
  }

  end(owner: string, resource: string): void {
    for (const holding of this.#holdings) {
      if (holding.owner !== owner || holding.resource !== resource) continue;
      this.#holdings.delete(holding);
      return;
    }
    this.complain(`${owner} ended holding '${resource}', which it had not begun`);
  }

  /** Those on a node who hold now. The same objects while they go on holding. */
  holdingsOf(node: number): readonly Holding[] {
    return [...this.#holdings].filter((holding) => holding.node === node);
  }

  /** A machine was proved dead: whoever was on it holds no more. */
  nodeDied(node: number): void {
    for (const holding of this.holdingsOf(node)) this.#holdings.delete(holding);
  }

  complain(text: string): void {
    if (this.violations.length >= VIOLATIONS_MAX) return;
    this.violations.push(text);
    this.#say(text);
  }

  #checkGeneration(holding: Holding): void {
    const { resource, mode, generation } = holding;
    if (mode !== 'EX' || typeof generation !== 'number') return;
    this.#generationsSeen += 1;
    const before = this.#generations.get(resource) ?? 0;
    if (generation <= before) {
      this.complain(`${describe(holding)} has generation ${generation} after ${before}`);
    }
    this.#generations.set(resource, Math.max(before, generation));
  }
}

function describe({ node, owner, resource, mode }: Holding): string {
  return `${owner} on n${node} with ${mode} on '${resource}'`;
}
