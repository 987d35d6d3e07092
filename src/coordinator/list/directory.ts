import { mkdir, open, stat } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { ListError } from './error.js';

const DIRECTORY_MODE = 0o700;
/** What others must not be able to do: to change the list is to decide who holds what. */
const OTHERS_MAY_WRITE = 0o022;

/**
 * Makes the directory (0700) durably when it is not there; one that is there has to belong to
 * root or to us, and nobody else may write in it. ListError `CLAIM_FAILED`, or the system's error.
 */
export async function prepareDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  if (first !== undefined) await syncNames(dirname(first), resolve(directory));
  const { mode, uid } = await stat(directory);
  const own = process.geteuid?.() ?? 0;
  if (uid !== 0 && uid !== own) {
    throw unsafe(directory, `belongs to user ${uid}`, `chown it to user ${own}`);
  }
  if ((mode & OTHERS_MAY_WRITE) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw unsafe(directory, `can be written by others (mode ${octal})`, 'chmod it to 0700');
  }
}

function unsafe(directory: string, what: string, how: string): ListError {
  const text = `the state directory ${directory} ${what}: whoever changes the lock list decides`;
  return new ListError('CLAIM_FAILED', `${text} who holds what; look into it, then ${how}`);
}

/** Makes renames and new names in this directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes new directories durable: from `top`, which is older, down to the parent of `bottom`. */
async function syncNames(top: string, bottom: string): Promise<void> {
  for (let directory = dirname(bottom); ; directory = dirname(directory)) {
    await syncDirectory(directory);
    if (directory === top || directory === dirname(directory)) return;
  }
}
