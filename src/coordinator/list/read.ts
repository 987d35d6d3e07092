import { ListError } from './error.js';
import { openLine, type Line } from './line.js';
import {
  asHeader, asRecord, LIST_MAJOR, LIST_MINOR, majorOf, type ListHeader,
  type StoredRecord,
} from './shape.js';
import { idOf, ListTable } from './table.js';

/** More are counted, not described: a file of garbage must not fill the memory with sentences. */
export const PROBLEMS_MAX = 100;
const NEWLINE = 0x0a;

/** One thing that is wrong with a list file. */
export interface ListProblem {
  /** From 1. */
  readonly line: number;
  /** Where the line begins, and how long it is without its newline. */
  readonly offset: number;
  readonly bytes: number;
  readonly what: string;
  /** What the reader did about it. */
  readonly done: string;
}

/** What a list file says. */
export interface ReadList {
  /** Null when the first line is damaged, or there is none. */
  readonly header: ListHeader | null;
  readonly table: ListTable;
  /** Lines of kinds that a newer minor version added: copied as they are at every rewrite. */
  readonly foreignLines: readonly string[];
  /** One sentence for each thing that is wrong, for an operator. */
  readonly problems: readonly string[];
  /** The same in parts: the first PROBLEMS_MAX. */
  readonly findings: readonly ListProblem[];
  /** How many there are in all. */
  readonly problemCount: number;
  /** Lines that count: records of known kinds, without the header. */
  readonly recordCount: number;
  /** Where a torn last line began, a byte offset; null when there was none. */
  readonly tornAt: number | null;
}

/** Where a problem is, in words. */
export function placeOf({ line, offset }: Pick<ListProblem, 'line' | 'offset'>): string {
  return `line ${line} (byte ${offset})`;
}

/**
 * Reads a list file of this major version; never throws but ListError `NEWER_VERSION`.
 *
 * The last line may be torn by a crash in the middle of its write, and has no newline then: its
 * append had not resolved, so nobody acted on it, and it is dropped. Anything else that does not
 * fit is a problem; what stands before and after it is used.
 */
export function readList(bytes: Buffer, path: string): ReadList {
  const reader = new Reader(path);
  let start = 0;
  for (let number = 1; start < bytes.byteLength; number += 1) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.byteLength : newline;
    const place = { line: number, offset: start, bytes: end - start, ended: newline >= 0 };
    reader.take(openLine(bytes.subarray(start, end)), place);
    start = end + 1;
  }
  return reader.result();
}

interface Place extends Pick<ListProblem, 'line' | 'offset' | 'bytes'> {
  /** Whether a newline ends it. */
  readonly ended: boolean;
}

class Reader {
  readonly #path: string;
  readonly #table = new ListTable();
  readonly #foreignLines: string[] = [];
  readonly #findings: ListProblem[] = [];
  #problemCount = 0;
  #recordCount = 0;
  #header: ListHeader | null = null;
  #tornAt: number | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  take(line: Line, place: Place): void {
    if (line.kind === 'broken') {
      if (!place.ended) this.#tornAt = place.offset;
      else this.#report(place, `is damaged: ${line.why}`, 'skipped');
      return;
    }
    if (place.line === 1) {
      if (this.#takeHeader(line.value)) return;
      this.#report(place, 'should be the header of a lock list and is not', 'read on without it');
    }
    const record = asRecord(line.value);
    if (record === null) {
      this.#report(place, 'has a fitting checksum but is no record of a lock list', 'skipped');
    } else if (record !== 'unknown') {
      this.#apply(record, line.text, place);
    } else if ((this.#header?.minor ?? LIST_MINOR) > LIST_MINOR) {
      this.#foreignLines.push(line.text);
    } else {
      this.#report(place, 'is of a kind that this version does not have', 'skipped');
    }
  }

  result(): ReadList {
    const more = this.#problemCount - this.#findings.length;
    const problems = this.#findings.map((problem) =>
      `${this.#path}: ${placeOf(problem)} ${problem.what}: ${problem.done}`);
    const rest = more > 0 ? [`${this.#path}: ${more} more problems of this sort`] : [];
    return {
      header: this.#header,
      table: this.#table,
      foreignLines: this.#foreignLines,
      problems: [...problems, ...rest],
      findings: this.#findings,
      problemCount: this.#problemCount,
      recordCount: this.#recordCount,
      tornAt: this.#tornAt,
    };
  }

  #takeHeader(value: unknown): boolean {
    const major = majorOf(value);
    if (major !== null && major !== LIST_MAJOR) {
      throw new ListError(
        'NEWER_VERSION',
        `the lock list ${this.#path} has format ${major} and this program knows ` +
          `${LIST_MAJOR}; start the Holdfast version that wrote it`,
      );
    }
    this.#header = asHeader(value);
    return this.#header !== null;
  }

  #apply(record: StoredRecord, text: string, place: Place): void {
    this.#recordCount += 1;
    if (this.#table.apply(record, text) !== null) return;
    if (record.kind === 'generations') return;
    const id = idOf(record);
    if (!('lock' in record)) {
      this.#report(
        place,
        `says "${record.kind}" of lock ${id}, which nothing before it lists`,
        'skipped; what the kernel holds will tell',
      );
      return;
    }
    // Ids are not reused while they are listed: the end of the earlier lock is what is missing.
    this.#table.forget(id);
    this.#table.apply(record, text);
    this.#report(
      place,
      `lists lock ${id} a second time`,
      'the later one counts, the end of the earlier one must be in a damaged part',
    );
  }

  #report(place: Place, what: string, done: string): void {
    this.#problemCount += 1;
    if (this.#findings.length >= PROBLEMS_MAX) return;
    const { line, offset, bytes } = place;
    this.#findings.push({ line, offset, bytes, what, done });
  }
}
