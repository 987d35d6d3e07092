import type { Rewriter, Rewriting } from './rewrite.js';

/** When the file is rewritten, and the one rewrite that may be under way. */
export class Compaction {
  readonly #rewriter: Rewriter;
  readonly #deadLinesMax: number;
  #dueAtLines: number;
  #current: Rewriting | null = null;

  constructor(rewriter: Rewriter, deadLinesMax: number) {
    this.#rewriter = rewriter;
    this.#deadLinesMax = deadLinesMax;
    this.#dueAtLines = deadLinesMax;
  }

  get current(): Rewriting | null {
    return this.#current;
  }

  /** Whether a rewrite waits to be put in place. */
  get isPrepared(): boolean {
    return this.#current?.prepared === true;
  }

  /**
   * Whether so many dead lines are a reason to begin one: also more than say something, so that
   * what a rewrite costs is spread over as many records, however long the list is.
   */
  isDue(deadLines: number, liveLines: number): boolean {
    return this.#current === null && deadLines > Math.max(this.#dueAtLines, liveLines);
  }

  /** Begins one; or gives that under way, which followed every batch since and so will do. */
  begin(lines: readonly string[]): Rewriting {
    this.#current ??= this.#rewriter.start(lines);
    return this.#current;
  }

  /** It was put in place, or given up together with the list. */
  end(): void {
    this.#current = null;
  }

  /** The file has no dead lines now. */
  reset(): void {
    this.#dueAtLines = this.#deadLinesMax;
  }

  /** It failed: only as many more dead lines are a reason to try again. */
  postpone(deadLines: number): void {
    this.#current = null;
    this.#dueAtLines = deadLines + this.#deadLinesMax;
  }
}
