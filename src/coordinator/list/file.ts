import { messageOf } from '../../errors.js';
import type { ListDisk } from './disk.js';
import { ListError } from './error.js';

/** A longer file is not read: compaction keeps it far below this. */
export const LIST_BYTES_MAX = 256 * 1024 * 1024;

/** The whole list file, null when there is none; rejects with ListError `READ_FAILED`. */
export async function readFile(disk: ListDisk, path: string): Promise<Buffer | null> {
  try {
    const bytes = await disk.read(path, LIST_BYTES_MAX);
    return bytes === null ? null : Buffer.from(bytes);
  } catch (thrown) {
    const text =
      `cannot read the lock list ${path} (${messageOf(thrown)}); it says which locks are ` +
      'whose, so do not remove it without need';
    throw new ListError('READ_FAILED', text, { cause: thrown });
  }
}

/** The name for what is kept of a list file: `why` and the time behind its own name. */
export function asideName(path: string, why: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]/g, '').replace('.', '');
  return `${path}.${why}-${time}`;
}
