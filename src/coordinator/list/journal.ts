import { messageOf } from '../../errors.js';
import type { ListRecord } from '../core/record.js';
import { AppendQueue, type Append } from './append-queue.js';
import { BackgroundSync } from './background-sync.js';
import { applyBatch } from './batch.js';
import { Compaction } from './compaction.js';
import { ConditionTeller } from './condition.js';
import type { DiskFile } from './disk.js';
import { asWriteError, errnoOf, ListError } from './error.js';
import { blockAbove, GENERATION_MAX, type GenerationBlock } from './generations.js';
import type { JournalParts, JournalState } from './journal-state.js';
import type { ListCondition, LockList } from './port.js';
import { RepairPace } from './repair-pace.js';
import type { Rewriting } from './rewrite.js';
import type { StoredRecord } from './shape.js';
import { writeAll } from './write.js';

/** Lines that say nothing any more: beyond that many, and half, the file is rewritten. */
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
  readonly #condition: ConditionTeller;
  /** The last generation that was given out, whether its record could be written or not. */
  #mark: number;
  #state: JournalState;
  #working: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #repairDue = false;
  readonly #sync: BackgroundSync;
  readonly #repairPace: RepairPace;

  private constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#queue = new AppendQueue(parts.path);
    this.#compaction = new Compaction(parts.rewriter, parts.deadLinesMax);
    this.#condition = new ConditionTeller(parts);
    this.#sync = new BackgroundSync(parts.clock, () => this.#syncOnce());
    this.#repairPace = new RepairPace(parts.clock, () => {
      this.#repairDue = true;
      this.#work();
    });
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
    if (this.#state.kind === 'open') return this.#state.full;
    return this.#state.kind === 'broken' ? this.#state.error : null;
  }

  watch(listener: (condition: ListCondition) => void): void {
    this.#condition.watch(listener);
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
    const isDue = this.#repairDue || this.#compaction.isPrepared;
    this.#repairDue = false;
    try {
      if (isDue) await this.#repair();
      else if (this.#isRewriteDue()) this.#rewriteBeside();
    } catch (thrown) {
      if (this.#state.kind === 'broken') this.#break(thrown, this.#state.file);
      else if (this.failure !== null) this.#repairPace.plan();
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
    if (state.full !== null) this.#recover(state);
    this.#compaction.current?.follow(lines, durable);
    this.#sync.arm();
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
    if (error.code !== 'NO_SPACE') {
      this.#break(error, state.file);
      return;
    }
    state.full = error;
    this.#repairPace.plan();
    this.#condition.setFailure(error);
  }

  /** The disk takes writes again. */
  #recover(state: OpenState): void {
    state.full = null;
    this.#repairPace.cancel();
    this.#condition.setFailure(null);
  }

  #isRewriteDue(): boolean {
    return this.#compaction.isDue(this.#deadLines(), this.#parts.table.lineCount);
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
    if (this.failure !== null) this.#repairPace.begin();
    const rewriting = this.#compaction.begin(this.#parts.table.lines());
    try {
      await rewriting.ready;
      await this.#finish(rewriting);
    } finally {
      this.#compaction.end();
    }
  }

  async #finish(rewriting: Rewriting): Promise<void> {
    const { file, size, lines, synced, failure } = await rewriting.finish();
    const before = this.#state;
    const state: OpenState = { kind: 'open', file, size, lines, full: null };
    this.#state = state;
    this.#compaction.reset();
    if (failure === null) this.#recover(state);
    else this.#break(failure, file);
    if (!synced) this.#sync.arm();
    if (before.kind !== 'closed') await this.#closeFile(before.file);
  }

  #break(thrown: unknown, file: DiskFile | null): void {
    const error = asWriteError(thrown, this.#parts.path);
    this.#state = { kind: 'broken', error, file };
    this.#repairPace.plan();
    this.#condition.setFailure(error);
  }

  /** Syncs beside the worker; never rejects: a failure breaks the list. */
  async #syncOnce(): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'open') return;
    const ended = this.#condition.beginSync();
    try {
      await state.file.sync();
    } catch (thrown) {
      // A file that was replaced meanwhile, or is just being, no longer matters.
      const isReplaced = errnoOf(thrown) === 'ENOENT' && this.#compaction.current !== null;
      if (this.#state === state && !isReplaced) this.#break(thrown, state.file);
    } finally {
      ended();
    }
  }

  /** Syncs what is written, in whichever file it is by now; rejects when that is not certain. */
  async #syncWritten(): Promise<void> {
    for (let attempt = 0; attempt < SYNC_TRIES_MAX; attempt += 1) {
      const state = this.#state;
      if (state.kind !== 'open') throw this.failure ?? this.#closedError();
      await this.#syncOnce();
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
    this.#sync.end();
    this.#repairPace.end();
    this.#repairDue = false;
    while (this.#working !== null) await this.#working;
    const rewriting = this.#compaction.current;
    this.#compaction.end();
    await rewriting?.abandon();
    try {
      await this.#syncOnce();
    } finally {
      const state = this.#state;
      this.#state = { kind: 'closed' };
      if (state.kind !== 'closed') await this.#closeFile(state.file);
      await this.#parts.claim.release();
      if (state.kind === 'broken') throw state.error;
    }
  }
}
