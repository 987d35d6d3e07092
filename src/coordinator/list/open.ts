import { join } from 'node:path';

import type { Clock } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { DiskClaim, ListDisk } from './disk.js';
import { ListError } from './error.js';
import { asideName, readFile } from './file.js';
import { DEAD_LINES_MAX, Journal } from './journal.js';
import { sealLine } from './line.js';
import type { FoundList, ListLog, LockList } from './port.js';
import { readList, type ReadList } from './read.js';
import { Rewriter } from './rewrite.js';
import { LIST_MAGIC, LIST_MAJOR, LIST_MINOR, lostMark, type ListHeader } from './shape.js';
import { systemDisk } from './system-disk.js';
import { ListTable } from './table.js';

/** The list's file within its directory. */
export const LIST_FILE = 'locks.jsonl';
export interface ListOptions {
  readonly directory: string;
  readonly bootId: string;
  readonly lockspace: string;
  readonly clock: Clock;
  readonly log: ListLog;
  /** Default: the machine's file system. */
  readonly disk?: ListDisk;
  /** Default: DEAD_LINES_MAX. */
  readonly deadLinesMax?: number;
}

/**
 * Claims the directory (created when it is not there), reads the list in it and writes it anew
 * without what is over. A file that is damaged, or another lockspace's, is kept aside.
 *
 * When the disk is full the list still opens: what it says is needed to adopt the locks. Then
 * `list.failure` says why it cannot be written.
 *
 * Rejects with ListError `IN_USE`, `CLAIM_FAILED`, `NEWER_VERSION`, `READ_FAILED`.
 */
export async function openLockList(
  options: ListOptions,
): Promise<{ list: LockList; found: FoundList }> {
  const disk = options.disk ?? systemDisk;
  const claim = await claimOf(disk, options.directory);
  try {
    return await openClaimed(options, disk, claim);
  } catch (thrown) {
    await claim.release();
    throw thrown;
  }
}

async function openClaimed(
  options: ListOptions,
  disk: ListDisk,
  claim: DiskClaim,
): Promise<{ list: LockList; found: FoundList }> {
  const { clock, log, lockspace } = options;
  const path = join(options.directory, LIST_FILE);
  const read = readList((await readFile(disk, path)) ?? Buffer.alloc(0), path);
  if (read.tornAt !== null) {
    log.info(`${path}: the last line was not finished; cut off at byte ${read.tornAt}`);
  }
  for (const problem of read.problems) log.error(problem);

  const before = read.header;
  const other = before !== null && before.lockspace !== lockspace ? before.lockspace : null;
  if (other !== null) log.error(`${path} is the list of lockspace ${other}, not of ${lockspace}`);
  const table = other === null ? read.table : markOnly(read.table, clock.now());
  const foreignLines = other === null ? read.foreignLines : [];

  const { problems } = read;
  const lost = lostMark(before, problems.length > 0, table.mark);
  const header = sealLine({ ...headerNow(options, before), ...lost });
  const aside = asideFor(path, read, other, clock.now());
  const rewriter = new Rewriter({ disk, path, log, head: [header, ...foreignLines], aside });
  const locks = table.listed;
  const deadLinesMax = options.deadLinesMax ?? DEAD_LINES_MAX;
  const list = await Journal.open({ path, table, rewriter, claim, clock, log, deadLinesMax });
  const { keptAside } = rewriter;
  if (keptAside !== null) log.warn(`${path} was kept aside as ${keptAside}`);
  const bootId = before?.bootId ?? null;
  const generations = { upTo: table.mark, certain: lost.markLostAt === undefined };
  const found = { locks, generations, problems, keptAside, bootId, otherLockspace: other };
  return { list, found };
}

/** Generations may skip, never fall back: their mark is kept whichever lockspace it was. */
function markOnly({ mark }: ListTable, at: number): ListTable {
  const table = new ListTable();
  const record = { kind: 'generations', at, upTo: mark } as const;
  if (mark > 0) table.apply(record, sealLine(record));
  return table;
}

async function claimOf(disk: ListDisk, directory: string): Promise<DiskClaim> {
  try {
    return await disk.claim(directory);
  } catch (thrown) {
    if (thrown instanceof ListError) throw thrown;
    const text = `cannot use ${directory} for the lock list: ${messageOf(thrown)}`;
    throw new ListError('CLAIM_FAILED', text, { cause: thrown });
  }
}

function headerNow(options: ListOptions, before: ListHeader | null): ListHeader {
  return {
    magic: LIST_MAGIC,
    major: LIST_MAJOR,
    // Lines of a newer minor version may be among those that are kept.
    minor: Math.max(LIST_MINOR, before?.minor ?? 0),
    lockspace: options.lockspace,
    bootId: options.bootId,
    at: options.clock.now(),
  };
}

function asideFor(
  path: string,
  read: ReadList,
  other: string | null,
  now: number,
): string | null {
  if (other !== null) return asideName(path, 'other-lockspace', now);
  return read.problems.length > 0 ? asideName(path, 'damaged', now) : null;
}
