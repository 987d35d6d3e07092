import { join } from 'node:path';

import type { Clock } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { DiskClaim, ListDisk } from './disk.js';
import { ListError } from './error.js';
import { DEAD_LINES_MAX, Journal } from './journal.js';
import { sealLine } from './line.js';
import type { FoundList, ListLog, LockList } from './port.js';
import { readList, type ReadList } from './read.js';
import { Rewriter } from './rewrite.js';
import { LIST_MAGIC, LIST_MAJOR, LIST_MINOR, type ListHeader } from './shape.js';
import { systemDisk } from './system-disk.js';
import { ListTable } from './table.js';

/** The list's file within its directory. */
export const LIST_FILE = 'locks.jsonl';
/** A longer file is not read: compaction keeps it far below this. */
export const LIST_BYTES_MAX = 256 * 1024 * 1024;

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
  const read = await readFile(disk, path);
  if (read.tornAt !== null) {
    log.info(`${path}: the last line was not finished; cut off at byte ${read.tornAt}`);
  }
  for (const problem of read.problems) log.error(problem);

  const before = read.header;
  const other = before !== null && before.lockspace !== lockspace ? before.lockspace : null;
  if (other !== null) log.error(`${path} is the list of lockspace ${other}, not of ${lockspace}`);
  const table = other === null ? read.table : new ListTable();
  const foreignLines = other === null ? read.foreignLines : [];

  const header = sealLine(headerNow(options, before));
  const aside = asideName(path, read, other, clock.now());
  const rewriter = new Rewriter({ disk, path, log, head: [header, ...foreignLines], aside });
  const locks = table.listed;
  const deadLinesMax = options.deadLinesMax ?? DEAD_LINES_MAX;
  const list = await Journal.open({ path, table, rewriter, claim, clock, log, deadLinesMax });
  const { keptAside } = rewriter;
  if (keptAside !== null) log.warn(`${path} was kept aside as ${keptAside}`);
  const { problems } = read;
  const bootId = before?.bootId ?? null;
  return { list, found: { locks, problems, keptAside, bootId, otherLockspace: other } };
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

async function readFile(disk: ListDisk, path: string): Promise<ReadList> {
  let bytes: Uint8Array | null;
  try {
    bytes = await disk.read(path, LIST_BYTES_MAX);
  } catch (thrown) {
    const text =
      `cannot read the lock list ${path} (${messageOf(thrown)}); it says which locks are ` +
      'whose, so do not remove it without need';
    throw new ListError('READ_FAILED', text, { cause: thrown });
  }
  return readList(Buffer.from(bytes ?? []), path);
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

function asideName(
  path: string,
  read: ReadList,
  other: string | null,
  now: number,
): string | null {
  const time = new Date(now).toISOString().replaceAll(/[-:]/g, '').replace('.', '');
  if (other !== null) return `${path}.other-lockspace-${time}`;
  return read.problems.length > 0 ? `${path}.damaged-${time}` : null;
}
