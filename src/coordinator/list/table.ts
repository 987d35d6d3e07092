import { applyRecord, type ListRecord, type ListedLock } from '../core/record.js';
import type { GenerationsRecord, StoredRecord } from './shape.js';

interface Entry {
  readonly listed: ListedLock;
  /** The line that listed it, and the last one that changed it, as they stand in the file. */
  readonly lines: readonly [string] | readonly [string, string];
}

const NOTHING: ReadonlyMap<number, ListedLock> = new Map();

/** Takes back what one `apply` did; call it only in the reverse order of the applying. */
export type Undo = () => void;

/**
 * What the records so far leave, together with the lines that say it: a rewrite copies lines
 * instead of wording them anew, so whatever a newer version put in them is kept.
 */
export class ListTable {
  readonly #entries = new Map<number, Entry>();
  #lineCount = 0;
  #mark: { readonly upTo: number; readonly line: string } | null = null;

  get listed(): readonly ListedLock[] {
    return [...this.#entries.values()].map((entry) => entry.listed);
  }

  /** Up to where generations are reserved; 0 when none are. */
  get mark(): number {
    return this.#mark?.upTo ?? 0;
  }

  /** Applies a record; null, and nothing done, when it contradicts what is listed. */
  apply(record: StoredRecord, line: string): Undo | null {
    if (record.kind === 'generations') return this.#raise(record, line);
    const before = this.#entries.get(idOf(record));
    const now = before === undefined ? NOTHING : new Map([[idOf(record), before.listed]]);
    const change = applyRecord(now, record);
    if (change === null) return null;
    const { id, now: listed } = change;
    this.#put(id, listed === null ? undefined : { listed, lines: linesOf(before, line) });
    return () => this.#put(id, before);
  }

  /** Removes a lock whose end was not recorded. */
  forget(id: number): void {
    this.#put(id, undefined);
  }

  /** How many lines a rewrite would have. */
  get lineCount(): number {
    return this.#lineCount + (this.#mark === null ? 0 : 1);
  }

  /** The lines that say what is listed, in the order in which it came to be listed. */
  lines(): string[] {
    const mark = this.#mark === null ? [] : [this.#mark.line];
    return [...mark, ...[...this.#entries.values()].flatMap((entry) => entry.lines)];
  }

  /** A mark only rises, in whatever order its lines come. */
  #raise({ upTo }: GenerationsRecord, line: string): Undo {
    const before = this.#mark;
    if (upTo > this.mark) this.#mark = { upTo, line };
    return () => {
      this.#mark = before;
    };
  }

  #put(id: number, entry: Entry | undefined): void {
    this.#lineCount -= this.#entries.get(id)?.lines.length ?? 0;
    this.#lineCount += entry?.lines.length ?? 0;
    if (entry === undefined) this.#entries.delete(id);
    else this.#entries.set(id, entry);
  }
}

/** The id of the lock that a record speaks of. */
export function idOf(record: ListRecord): number {
  return 'lock' in record ? record.lock.id : record.id;
}

function linesOf(before: Entry | undefined, line: string): Entry['lines'] {
  return before === undefined ? [line] : [before.lines[0], line];
}
