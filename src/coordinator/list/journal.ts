import type { Timer } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { ListRecord } from '../core/record.js';
import { AppendQueue, type Append } from './append-queue.js';
import { applyBatch } from './batch.js';
import { Compaction } from './compaction.js';
import type { DiskFile } from './disk.js';
import { asWriteError, ListError } from './error.js';
import { blockAbove, GENERATION_MAX, type GenerationBlock } from './generations.js';
import type { JournalParts, JournalState } from './journal-state.js';
import type { LockList } from './port.js';
import type { Rewriting } from './rewrite.js';
import type { StoredRecord } from './shape.js';
import { writeAll } from './write.js';

/** At most this much later than its write is a record synced. */
export const SYNC_DELAY_MS = 1_000;
/** After a failed sync the file is rewritten this often until that succeeds. */
export const REPAIR_DELAY_MS = 5_000;
/** Lines that say nothing any more: beyond that many the file is rewritten without them. */
export const DEAD_LINES_MAX = 10_000;
/** A file can be replaced while it is synced; this often the sync follows it. */
const SYNC_TRIES_MAX = 4;

type OpenState = JournalState & { readonly kind: 'open' };

/**
 * The list that is being written: one worker takes what waits, in order, writes it in one go,
 * and only then answers. Syncs and the preparing of a rewrite run beside it.
 */
export class Journal implements LockList {
  readonly #parts: JournalParts;
  readonly #queue: AppendQueue;
  readonly #compaction: Compaction;
  /** The last generation that was given out, whether its record could be written or not. */
  #mark: number;
  #state: JournalState;
  #working: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #repairDue = false;
  #syncTimer: Timer | null = null;
  #repairTimer: Timer | null = null;

  private constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#queue = new AppendQueue(parts.path);
    this.#compaction = new Compaction(parts.rewriter, parts.deadLinesMax);
    this.#mark = parts.table.mark;
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
    return this.#enqueue(records);
  }

  async reserveGenerations(above: number): Promise<GenerationBlock> {
    const { path, clock } = this.#parts;
    const block = blockAbove(this.#mark, above);
    if (!Number.isSafeInteger(above) || above < 0 || block === null) {
      const text = `no generations above ${above}: the last that ${path} can say is ${GENERATION_MAX}`;
      throw new ListError('BAD_RECORD', text);
    }
    // Not taken back when the disk fails: whatever half of the write is there is never reused.
    this.#mark = block.last;
    await this.#enqueue([{ kind: 'generations', at: clock.now(), upTo: block.last }]);
    await this.#syncWritten();
    return block;
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  #enqueue(records: readonly StoredRecord[]): Promise<void> {
    if (this.#closing !== null) return Promise.reject(this.#closedError());
    const written = this.#queue.add(records);
    this.#work();
    return written;
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
    return !this.#queue.isEmpty || this.#repairDue || this.#compaction.isPrepared;
  }

  async #drain(): Promise<void> {
    // The turn's other appends join the first batch.
    await Promise.resolve();
    while (this.#isWorkDue()) {
      await this.#tend();
      const batch = this.#queue.takeBatch();
      if (batch.length > 0) await this.#writeBatch(batch);
    }
  }

  /** Puts the file in order where that is due, so that the next batch can be written. */
  async #tend(): Promise<void> {
    const broken = this.#state.kind === 'broken';
    this.#repairDue = false;
    try {
      if (broken) await this.#repairLoudly();
      else if (this.#compaction.isPrepared) await this.#repair();
      else if (this.#compaction.isDue(this.#deadLines())) this.#rewriteBeside();
    } catch (thrown) {
      if (this.#state.kind === 'broken') this.#break(thrown, this.#state.file);
      else this.#postponeRewrite(thrown);
    }
  }

  async #writeBatch(appends: readonly Append[]): Promise<void> {
    const batch = applyBatch(this.#parts.table, appends, this.#parts.path);
    try {
      if (this.#state.kind !== 'open') throw this.failure ?? this.#closedError();
      if (batch.lines.length > 0) await this.#write(this.#state, batch.lines, batch.durable);
    } catch (thrown) {
      batch.undo();
      const error = asWriteError(thrown, this.#parts.path);
      for (const append of batch.accepted) append.reject(error);
      return;
    }
    for (const append of batch.accepted) append.resolve();
  }

  async #write(state: OpenState, lines: readonly string[], durable: boolean): Promise<void> {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    try {
      await writeAll(state.file, bytes, state.size);
    } catch (thrown) {
      await this.#cutBack(state, asWriteError(thrown, this.#parts.path));
      throw thrown;
    }
    state.size += bytes.byteLength;
    state.lines += lines.length;
    this.#compaction.current?.follow(lines, durable);
    this.#armSync();
  }

  /** Takes a partly written batch away again; the file is no longer added to if that fails. */
  async #cutBack(state: OpenState, error: ListError): Promise<void> {
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
    const rewriting = this.#compaction.begin(this.#parts.table.lines());
    rewriting.ready.then(
      () => this.#work(),
      (thrown: unknown) => {
        if (this.#compaction.current === rewriting) this.#postponeRewrite(thrown);
      },
    );
  }

  #postponeRewrite(thrown: unknown): void {
    this.#compaction.postpone(this.#deadLines());
    this.#parts.log.warn(`${this.#parts.path} could not be compacted: ${messageOf(thrown)}`);
  }

  /** Replaces the file by one that says what is listed. */
  async #repair(): Promise<void> {
    const rewriting = this.#compaction.begin(this.#parts.table.lines());
    try {
      await rewriting.ready;
      await this.#finish(rewriting);
    } finally {
      this.#compaction.end();
    }
  }

  async #repairLoudly(): Promise<void> {
    await this.#repair();
    this.#parts.log.info(`${this.#parts.path} could be written anew`);
  }

  async #finish(rewriting: Rewriting): Promise<void> {
    const { file, size, lines, synced, failure } = await rewriting.finish();
    const before = this.#state;
    this.#state = { kind: 'open', file, size, lines };
    this.#compaction.reset();
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

  /** Syncs what is written, in whichever file it is by now; rejects when that is not certain. */
  async #syncWritten(): Promise<void> {
    for (let attempt = 0; attempt < SYNC_TRIES_MAX; attempt += 1) {
      const state = this.#state;
      if (state.kind !== 'open') throw this.failure ?? this.#closedError();
      await this.#sync();
      if (this.#state === state) return;
    }
    const text = `${this.#parts.path} was replaced ${SYNC_TRIES_MAX} times while it was synced`;
    throw new ListError('WRITE_FAILED', text, { retryable: true });
  }

  #closedError(): ListError {
    return new ListError('CLOSED', `the lock list ${this.#parts.path} is closed`);
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
    const rewriting = this.#compaction.current;
    this.#compaction.end();
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
