import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../errors.js';
import { InstallError } from './error.js';
import { OWN_FOLDERS } from './parts.js';
import { hashOf, type Step } from './plan.js';
import { RECORD_PATH, recordText, type InstallRecord } from './record.js';

/**
 * Does what the plan says, below `root`, and notes it: first in the record, so that an installation
 * that is interrupted is known in full to the next one.
 *
 * @throws {InstallError} `FAILED`, naming the path; what was done until then stays
 */
export async function carryOut(
  steps: readonly Step[],
  root: string,
  record: InstallRecord,
): Promise<void> {
  await write(join(root, RECORD_PATH), Buffer.from(recordText(record)), 0o644);
  for (const step of steps) await carryOutStep(step, root);
}

/** As `carryOut`, for what takes an installation away; the record goes last. */
export async function carryOutRemoval(steps: readonly Step[], root: string): Promise<void> {
  for (const step of steps) await carryOutStep(step, root);
  await remove(join(root, RECORD_PATH));
  for (const folder of OWN_FOLDERS) await removeEmpty(join(root, folder));
}

/** What the record has to say after these steps. */
export function recordOf(
  steps: readonly Step[],
  before: InstallRecord | null,
  version: string,
): InstallRecord {
  const files: Record<string, string> = { ...before?.files };
  for (const { path, action, bytes } of steps) {
    if (action === 'remove') delete files[path];
    // Also what went beside: it is known now, and not offered again.
    else if (bytes !== null) files[path] = hashOf(bytes);
  }
  return { version, files };
}

async function carryOutStep({ path, action, bytes, mode }: Step, root: string): Promise<void> {
  const target = join(root, path);
  if (action === 'remove') await remove(target);
  else if (bytes !== null) await write(action === 'beside' ? `${target}.new` : target, bytes, mode);
}

/** Under another name first, so that nobody ever meets half a file or runs one that is written. */
async function write(path: string, bytes: Buffer, mode: number): Promise<void> {
  const birthPath = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    const file = await open(birthPath, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(birthPath, path);
  } catch (error) {
    await rm(birthPath, { force: true });
    throw new InstallError('FAILED', `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw new InstallError('FAILED', `cannot remove ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function removeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOTEMPTY' || code === 'ENOENT' || code === 'EEXIST') return;
    throw new InstallError('FAILED', `cannot remove ${folder}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
