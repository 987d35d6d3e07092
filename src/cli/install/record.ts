import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../errors.js';
import { InstallError } from './error.js';

/** Where an installation notes what it has put where. */
export const RECORD_PATH = '/usr/share/holdfast/installed.json';

const recordSchema = z.object({
  version: z.string(),
  /** By path in the installed system; the SHA-256 of what was written there. */
  files: z.record(z.string(), z.string()),
});

export type InstallRecord = z.output<typeof recordSchema>;

/**
 * What the last installation below that root has written; null when there was none.
 *
 * @throws {InstallError} `RECORD` when it cannot be read: nothing may be guessed then
 */
export async function readRecord(root: string): Promise<InstallRecord | null> {
  const path = join(root, RECORD_PATH);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new InstallError('RECORD', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (error) {
    const what = `${path} is not what an installation wrote`;
    throw new InstallError('RECORD', `${what}; put it right, or remove it to start afresh`, {
      cause: error,
    });
  }
}

export function recordText(record: InstallRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}
