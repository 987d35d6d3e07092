import type { ListedLock } from '../core/record.js';
import type { ListDisk } from './disk.js';
import { ListError } from './error.js';
import { readFile } from './file.js';
import { readList, type ListProblem, type ReadList } from './read.js';
import type { ListHeader } from './shape.js';
import { systemDisk } from './system-disk.js';

/** What a list file says and what is wrong with it. */
export interface ListCheck {
  readonly file: string;
  readonly bytes: number;
  /** Null when the first line is damaged, or the file is empty. */
  readonly header: ListHeader | null;
  /** Records that count. */
  readonly records: number;
  /** What these records leave listed. */
  readonly locks: readonly ListedLock[];
  /** Up to where generations are reserved; 0 when none are, or the damage took it. */
  readonly generations: number;
  /** Lines that a newer minor version added; they are kept. */
  readonly foreignLines: number;
  /** Where an unfinished last line begins: normal after a crash, and nothing that counted. */
  readonly tornAt: number | null;
  /** The first PROBLEMS_MAX places that are damaged. */
  readonly problems: readonly ListProblem[];
  readonly problemCount: number;
}

/**
 * Reads a list file without changing anything, also while a daemon writes it: then the last line
 * may look unfinished.
 *
 * Rejects with ListError `READ_FAILED` (also when there is none) or `NEWER_VERSION`.
 */
export async function checkList(file: string, disk: ListDisk = systemDisk): Promise<ListCheck> {
  return (await readForCheck(file, disk)).check;
}

/** The same, with what a repair needs. */
export async function readForCheck(
  file: string,
  disk: ListDisk,
): Promise<{ check: ListCheck; read: ReadList }> {
  const bytes = await readFile(disk, file);
  if (bytes === null) throw new ListError('READ_FAILED', `there is no lock list ${file}`);
  const read = readList(bytes, file);
  return { check: describe(file, bytes.byteLength, read), read };
}

function describe(file: string, bytes: number, read: ReadList): ListCheck {
  return {
    file,
    bytes,
    header: read.header,
    records: read.recordCount,
    locks: read.table.listed,
    generations: read.table.mark,
    foreignLines: read.foreignLines.length,
    tornAt: read.tornAt,
    problems: read.findings,
    problemCount: read.problemCount,
  };
}
