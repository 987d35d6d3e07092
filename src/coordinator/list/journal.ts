import type { Clock, Timer } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { ListRecord } from '../core/record.js';
import type { DiskClaim, DiskFile } from './disk.js';
import { asWriteError, ListError } from './error.js';
import { LINE_BYTES_MAX, sealLine } from './line.js';
import type { ListLog, LockList } from './port.js';
import type { Rewriter, Rewriting } from './rewrite.js';
import type { ListTable, Undo } from './table.js';
import { writeAll } from './write.js';

/** At most this much later than its write is a record synced. */
export const SYNC_DELAY_MS = 1_000;
/** After a failed sync the file is rewritten this often until that succeeds. */
export const REPAIR_DELAY_MS = 5_000;
/** Lines that say nothing any more: beyond that many the file is rewritten without them. */
export const DEAD_LINES_MAX = 10_000;
/** Records that may wait for the disk. */
export const WAITING_RECORDS_MAX = 65_536;
/** Records that one write combines. */
export const BATCH_RECORDS_MAX = 1_024;

/** What the journal works on. */
export interface JournalParts {
  readonly path: string;
  readonly table: ListTable;
  readonly rewriter: Rewriter;
  readonly claim: DiskClaim;
  readonly clock: Clock;
  readonly log: ListLog;
  readonly deadLinesMax: number;
}

interface Append {
  readonly records: readonly ListRecord[];
  readonly lines: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: ListError) => void;
}

/** `broken`: the file may not be added to, only be replaced by a rewrite. */
type State =
  | { readonly kind: 'open'; readonly file: DiskFile; size: number; lines: number }
  | { readonly kind: 'broken'; readonly error: ListError; readonly file: DiskFile | null }
  | { readonly kind: 'closed' };

/**
 * The list that is being written: one worker takes what waits, in order, writes it in one go,
 * and only then answers. Syncs and the preparing of a rewrite run beside it.
 */
export class Journal implements LockList {
  readonly #parts: JournalParts;
  #state: State;
  #waiting: Append[] = [];
  #waitingRecords = 0;
  #working: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #rewriting: Rewriting | null = null;
  #rewriteAtLines: number;
  #repairDue = false;
  #syncTimer: Timer | null = null;
  #repairTimer: Timer | null = null;

  private constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#rewriteAtLines = parts.deadLinesMax;
    const error = new ListError('WRITE_FAILED', `the lock list ${parts.path} is not open yet`);
    this.#state = { kind: 'broken', error, file: null };
  }

  /** Rewrites the file first; when that fails, the list opens broken and tries again later. */
  static async open(parts: JournalParts): Promise<Journal> {
    const journal = new Journal(parts);
    await journal.#repair().catch((error: unknown) => journal.#break(error, null));
    return journal;
  }

  get failure(): ListError | null {
    return this.#state.kind === 'broken' ? this.#state.error : null;
  }

  append(records: readonly ListRecord[]): Promise<void> {
    const { path } = this.#parts;
    if (this.#closing !== null) {
      return Promise.reject(new ListError('CLOSED', `the lock list ${path} is closed`));
    }
    if (this.#waitingRecords + records.length > WAITING_RECORDS_MAX) {
      const text = `${this.#waitingRecords} records wait for the disk of ${path}; try again later`;
      return Promise.reject(new ListError('LIMIT', text, { retryable: true }));
    }
    const lines = records.map((record) => sealLine(record));
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    if (lines.some((line) => line.length * 3 > LINE_BYTES_MAX)) {
      const text = `a record for ${path} is longer than ${LINE_BYTES_MAX} bytes`;
      return Promise.reject(new ListError('BAD_RECORD', text));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, lines, resolve, reject });
      this.#waitingRecords += records.length;
      this.#work();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  /** Starts the worker unless it runs. It never rejects: each failure goes to its append. */
  #work(): void {
    if (this.#working !== null) return;
    this.#working = this.#drain().finally(() => {
      this.#working = null;
      if (this.#isWorkDue()) this.#work();
    });
  }

  #isWorkDue(): boolean {
    return this.#waiting.length > 0 || this.#repairDue || this.#rewriting?.prepared === true;
  }

  async #drain(): Promise<void> {
    // The turn's other appends join the first batch.
    await Promise.resolve();
    while (this.#isWorkDue()) {
      await this.#tend();
      const batch = this.#takeBatch();
      if (batch.length > 0) await this.#writeBatch(batch);
    }
  }

  /** Puts the file in order where that is due, so that the next batch can be written. */
  async #tend(): Promise<void> {
    const broken = this.#state.kind === 'broken';
    this.#repairDue = false;
    try {
      if (broken) await this.#repairLoudly();
      else if (this.#rewriting?.prepared === true) await this.#finish(this.#rewriting);
      else if (this.#rewriting === null && this.#deadLines() > this.#rewriteAtLines) {
        this.#rewriteBeside();
      }
    } catch (thrown) {
      if (this.#state.kind === 'broken') this.#break(thrown, this.#state.file);
      else this.#postponeRewrite(thrown);
    }
  }

  #takeBatch(): Append[] {
    let records = 0;
    let taken = 0;
    for (const append of this.#waiting) {
      records += append.records.length;
      if (taken > 0 && records > BATCH_RECORDS_MAX) break;
      taken += 1;
    }
    const batch = this.#waiting.splice(0, taken);
    for (const append of batch) this.#waitingRecords -= append.records.length;
    return batch;
  }

  async #writeBatch(batch: readonly Append[]): Promise<void> {
    const undos: Undo[] = [];
    const accepted = batch.filter((append) => this.#applyAppend(append, undos));
    const lines = accepted.flatMap((append) => append.lines);
    try {
      if (this.#state.kind !== 'open') throw this.failure ?? new Error('the list is closed');
      if (lines.length > 0) await this.#write(this.#state, lines);
    } catch (thrown) {
      for (const undo of undos.reverse()) undo();
      const error = asWriteError(thrown, this.#parts.path);
      for (const append of accepted) append.reject(error);
      return;
    }
    for (const append of accepted) append.resolve();
  }

  /** Applies all records of an append, or none and rejects it. */
  #applyAppend(append: Append, undos: Undo[]): boolean {
    const own: Undo[] = [];
    for (const [index, record] of append.records.entries()) {
      const undo = this.#parts.table.apply(record, append.lines[index] ?? '');
      if (undo === null) {
        for (const back of own.reverse()) back();
        const text = `a record "${record.kind}" contradicts the lock list ${this.#parts.path}`;
        append.reject(new ListError('BAD_RECORD', text));
        return false;
      }
      own.push(undo);
    }
    undos.push(...own);
    return true;
  }

  async #write(state: State & { kind: 'open' }, lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    try {
      await writeAll(state.file, bytes, state.size);
    } catch (thrown) {
      await this.#cutBack(state, asWriteError(thrown, this.#parts.path));
      throw thrown;
    }
    state.size += bytes.byteLength;
    state.lines += lines.length;
    this.#rewriting?.follow(lines);
    this.#armSync();
  }

  /** Takes a partly written batch away again; the file is no longer added to if that fails. */
  async #cutBack(state: State & { kind: 'open' }, error: ListError): Promise<void> {
    try {
      await state.file.truncate(state.size);
    } catch (thrown) {
      this.#parts.log.error(`cannot cut ${this.#parts.path} back: ${messageOf(thrown)}`);
      this.#break(error, state.file);
      return;
    }
    // After anything but a full disk the page cache may differ from the disk: start afresh.
    if (error.code !== 'NO_SPACE') this.#break(error, state.file);
  }

  #deadLines(): number {
    return this.#state.kind === 'open' ? this.#state.lines - this.#parts.table.lineCount : 0;
  }

  /** Prepares a rewrite while appends go on; the worker puts it in place when it is ready. */
  #rewriteBeside(): void {
    const rewriting = this.#parts.rewriter.start(this.#parts.table.lines());
    this.#rewriting = rewriting;
    rewriting.ready.then(
      () => this.#work(),
      (thrown: unknown) => {
        if (this.#rewriting === rewriting) this.#postponeRewrite(thrown);
      },
    );
  }

  #postponeRewrite(thrown: unknown): void {
    this.#rewriting = null;
    this.#rewriteAtLines = this.#deadLines() + this.#parts.deadLinesMax;
    this.#parts.log.warn(`${this.#parts.path} could not be compacted: ${messageOf(thrown)}`);
  }

  /** Replaces the file by one that says what is listed. */
  async #repair(): Promise<void> {
    // A rewrite that is under way followed every batch that was written: it will do.
    const rewriting = this.#rewriting ?? this.#parts.rewriter.start(this.#parts.table.lines());
    this.#rewriting = rewriting;
    try {
      await rewriting.ready;
      await this.#finish(rewriting);
    } finally {
      this.#rewriting = null;
    }
  }

  async #repairLoudly(): Promise<void> {
    await this.#repair();
    this.#parts.log.info(`${this.#parts.path} could be written anew`);
  }

  async #finish(rewriting: Rewriting): Promise<void> {
    this.#rewriting = null;
    const { file, size, lines, synced, failure } = await rewriting.finish();
    const before = this.#state;
    this.#state = { kind: 'open', file, size, lines };
    this.#rewriteAtLines = this.#parts.deadLinesMax;
    this.#repairTimer?.cancel();
    this.#repairTimer = null;
    if (!synced) this.#armSync();
    if (failure !== null) this.#break(failure, file);
    if (before.kind !== 'closed') await this.#closeFile(before.file);
  }

  #break(thrown: unknown, file: DiskFile | null): void {
    const error = asWriteError(thrown, this.#parts.path);
    if (this.#state.kind !== 'broken' || this.#state.error.code !== error.code) {
      this.#parts.log.error(error.message);
    }
    this.#state = { kind: 'broken', error, file };
    if (this.#closing !== null || this.#repairTimer !== null) return;
    this.#repairTimer = this.#parts.clock.setTimer(REPAIR_DELAY_MS, () => {
      this.#repairTimer = null;
      this.#repairDue = true;
      this.#work();
    });
  }

  #armSync(): void {
    if (this.#closing !== null) return;
    this.#syncTimer ??= this.#parts.clock.setTimer(SYNC_DELAY_MS, () => {
      this.#syncTimer = null;
      void this.#sync();
    });
  }

  /** Syncs beside the worker; never rejects: a failure breaks the list. */
  async #sync(): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'open') return;
    try {
      await state.file.sync();
    } catch (thrown) {
      // A file that was replaced meanwhile no longer matters.
      if (this.#state === state) this.#break(thrown, state.file);
    }
  }

  async #closeFile(file: DiskFile | null): Promise<void> {
    try {
      await file?.close();
    } catch (thrown) {
      this.#parts.log.warn(`closing ${this.#parts.path}: ${messageOf(thrown)}`);
    }
  }

  async #shut(): Promise<void> {
    this.#syncTimer?.cancel();
    this.#repairTimer?.cancel();
    this.#repairDue = false;
    while (this.#working !== null) await this.#working;
    const rewriting = this.#rewriting;
    this.#rewriting = null;
    await rewriting?.abandon();
    try {
      await this.#sync();
    } finally {
      const state = this.#state;
      this.#state = { kind: 'closed' };
      if (state.kind !== 'closed') await this.#closeFile(state.file);
      await this.#parts.claim.release();
      if (state.kind === 'broken') throw state.error;
    }
  }
}
