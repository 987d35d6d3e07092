import type { ListedLock, ListRecord } from '../core/record.js';
import type { ListError } from './error.js';
import type { FoundGenerations, GenerationBlock } from './generations.js';

/** Where the list says what happens to its file; winston's logger fits. */
export interface ListLog {
  info(message: string): unknown;
  warn(message: string): unknown;
  error(message: string): unknown;
}

/** How far the list's file can be relied upon. */
export type ListCondition =
  | { readonly kind: 'well' }
  /** The disk does not end a sync. Appends go on: they need the write only. */
  | { readonly kind: 'unsynced'; readonly message: string }
  /** A write or sync failed. New locks are to wait until the file could be written anew. */
  | { readonly kind: 'failed'; readonly error: ListError };

/** The durable list of the locks that this node holds or is about to hold. */
export interface LockList {
  /**
   * Adds the records, all or none, and resolves when write(2) has returned for them: a crash of
   * this process can no longer lose them. They are synced at most a second later; a crash of the
   * machine ends its locks too. Appends are written in the order of the calls.
   *
   * Rejects with ListError `NO_SPACE` or `WRITE_FAILED` (nothing was added; until the file could
   * be written anew, later appends fail too), `BAD_RECORD`, `LIMIT`, `CLOSED`.
   */
  append(records: readonly ListRecord[]): Promise<void>;
  /**
   * Reserves a block of GENERATIONS_BLOCK generations, all above `above` and above every block
   * before, also those of earlier processes and boots. Resolves when the new mark is on disk
   * (fdatasync), so ask for the next block before this one is used up and no acquire waits.
   *
   * Rejects with ListError as `append` does, then also when only the sync failed: the numbers of
   * that block are never given again.
   */
  reserveGenerations(above: number): Promise<GenerationBlock>;
  /**
   * Why the file cannot be written at the moment (also a failed sync); null while it can. It is
   * written anew every REPAIR_DELAY_MS until that succeeds, whether anything is appended or not.
   */
  readonly failure: ListError | null;
  /** Calls back at once, and whenever the condition changes. The listener must not throw. */
  watch(listener: (condition: ListCondition) => void): void;
  /** Waits for the appends, syncs, closes. Rejects with ListError if the last sync failed. */
  close(): Promise<void>;
}

/** What the list said when it was opened. */
export interface FoundList {
  readonly locks: readonly ListedLock[];
  readonly generations: FoundGenerations;
  /** One sentence for each damaged place: where it is and what was done. */
  readonly problems: readonly string[];
  /** The path of the file as it was, when it was damaged or is another lockspace's. */
  readonly keptAside: string | null;
  /** The boot during which it was last rewritten; null when it is new, or that is not known. */
  readonly bootId: string | null;
  /** The lockspace whose list it was, when it was not this one: then `locks` is empty. */
  readonly otherLockspace: string | null;
}
