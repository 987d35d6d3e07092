import { dirname } from 'node:path';

import { readForCheck, type ListCheck } from './check.js';
import type { ListDisk } from './disk.js';
import { asWriteError, ListError } from './error.js';
import { asideName } from './file.js';
import { sealLine } from './line.js';
import type { ListLog } from './port.js';
import type { ReadList } from './read.js';
import { Rewriter } from './rewrite.js';
import { LIST_MAGIC, LIST_MAJOR, LIST_MINOR, lostMark, type ListHeader } from './shape.js';
import { systemDisk } from './system-disk.js';

export interface RepairOptions {
  /** The list; no symbolic link, since its directory is what is claimed. */
  readonly file: string;
  /** For a list whose header is damaged; null when not known. */
  readonly lockspace: string | null;
  /** Wall-clock ms. */
  readonly now: number;
  readonly log: ListLog;
  readonly disk?: ListDisk;
}

/** What a repair found and did. */
export interface ListRepair {
  readonly check: ListCheck;
  /** The file as it was, byte for byte; null when nothing was wrong and nothing was done. */
  readonly keptAside: string | null;
}

/**
 * Writes the list anew from the records that can be read. The file as it was is kept beside it,
 * whole: so the offsets that the check names still fit, and nothing of it is interpreted twice.
 *
 * Rejects with ListError `IN_USE` when a process has the list: then nothing is touched; with
 * `BAD_HEADER` when the header is lost and no lockspace is named; as `checkList` does; and with
 * `NO_SPACE` or `WRITE_FAILED`.
 */
export async function repairList(options: RepairOptions): Promise<ListRepair> {
  const disk = options.disk ?? systemDisk;
  // Read once before the claim: it makes a directory and a file where none need be.
  await readForCheck(options.file, disk);
  const claim = await disk.claim(dirname(options.file));
  try {
    const { check, read } = await readForCheck(options.file, disk);
    const isWhole = check.problemCount === 0 && check.tornAt === null && read.header !== null;
    return { check, keptAside: isWhole ? null : await rewrite(options, disk, read) };
  } finally {
    await claim.release();
  }
}

async function rewrite(options: RepairOptions, disk: ListDisk, read: ReadList): Promise<string> {
  const { file: path, log, now } = options;
  const before = read.header ?? headerFor(options, read);
  const lost = lostMark(before, read.problemCount > 0, read.table.mark);
  const header = { ...before, minor: Math.max(LIST_MINOR, before.minor), ...lost };
  const head = [sealLine(header), ...read.foreignLines];
  const aside = asideName(path, 'damaged', now);
  const rewriter = new Rewriter({ disk, path, log, head, aside });
  const rewriting = rewriter.start(read.table.lines());
  try {
    await rewriting.ready;
    const { file, failure } = await rewriting.finish();
    await file.close();
    if (failure !== null) throw failure;
  } catch (thrown) {
    throw asWriteError(thrown, path);
  }
  return rewriter.keptAside ?? aside;
}

function headerFor({ file, lockspace, now }: RepairOptions, read: ReadList): ListHeader {
  if (lockspace === null) {
    throw new ListError(
      'BAD_HEADER',
      `the header of ${file} is damaged, and nothing else in it says which lockspace it is of; ` +
        'name it with --lockspace',
    );
  }
  const bootId = read.table.listed.at(-1)?.lock.bootId ?? '';
  return { magic: LIST_MAGIC, major: LIST_MAJOR, minor: LIST_MINOR, lockspace, bootId, at: now };
}
