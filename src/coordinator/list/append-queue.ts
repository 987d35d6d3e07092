import { ListError } from './error.js';
import { LINE_BYTES_MAX, sealLine } from './line.js';
import type { StoredRecord } from './shape.js';

/** Records that may wait for the disk. */
export const WAITING_RECORDS_MAX = 65_536;
/** Records that one write combines. */
export const BATCH_RECORDS_MAX = 1_024;

/** Records that are written all or none, with the lines that say them. */
export interface Append {
  readonly records: readonly StoredRecord[];
  readonly lines: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: ListError) => void;
}

/** What waits to be written, in the order of the calls. */
export class AppendQueue {
  readonly #path: string;
  readonly #waiting: Append[] = [];
  #records = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Resolves when the records are written; rejects at once with `LIMIT` or `BAD_RECORD`. */
  add(records: readonly StoredRecord[]): Promise<void> {
    if (this.#records + records.length > WAITING_RECORDS_MAX) {
      const text = `${this.#records} records wait for the disk of ${this.#path}; try again later`;
      return Promise.reject(new ListError('LIMIT', text, { retryable: true }));
    }
    const lines = records.map((record) => sealLine(record));
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    if (lines.some((line) => line.length * 3 > LINE_BYTES_MAX)) {
      const text = `a record for ${this.#path} is longer than ${LINE_BYTES_MAX} bytes`;
      return Promise.reject(new ListError('BAD_RECORD', text));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, lines, resolve, reject });
      this.#records += records.length;
    });
  }

  /** Takes what one write combines: at least one append when any waits. */
  takeBatch(): Append[] {
    let records = 0;
    let taken = 0;
    for (const append of this.#waiting) {
      records += append.records.length;
      if (taken > 0 && records > BATCH_RECORDS_MAX) break;
      taken += 1;
    }
    const batch = this.#waiting.splice(0, taken);
    for (const append of batch) this.#records -= append.records.length;
    return batch;
  }
}
