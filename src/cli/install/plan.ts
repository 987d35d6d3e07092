import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.js';
import { InstallError } from './error.js';
import type { Part } from './parts.js';
import type { InstallRecord } from './record.js';

/** What is to be done about one path, or why nothing is. */
export interface Step {
  /** In the installed system. */
  readonly path: string;
  /**
   * - `create`, `replace`, `remove`: as they say.
   * - `same`: it is there as it should be.
   * - `keep`: it was changed by hand, so it is left alone.
   * - `beside`: as `keep`, and what is new goes beside it as PATH.new.
   */
  readonly action: 'create' | 'replace' | 'remove' | 'same' | 'keep' | 'beside';
  /** What is to be written; null where nothing is. */
  readonly bytes: Buffer | null;
  readonly mode: number;
}

/** What is at a path now. */
interface Found {
  readonly sha256: string;
  readonly mode: number;
}

/**
 * What an installation below `root` has to do. Nothing is changed.
 *
 * @param source the folder of this package
 */
export async function planInstall(
  parts: readonly Part[],
  source: string,
  root: string,
  record: InstallRecord | null,
): Promise<readonly Step[]> {
  const steps: Step[] = [];
  for (const part of parts) {
    const bytes = await bytesOf(part, source);
    const found = await look(join(root, part.path));
    steps.push(stepFor(part, bytes, found, record?.files[part.path] ?? null));
  }
  const wanted = new Set(parts.map(({ path }) => path));
  // What an earlier version brought and this one does not.
  const old = Object.entries(record?.files ?? {}).filter(([path]) => !wanted.has(path));
  return [...steps, ...(await planRemoval(old, root))];
}

/** What takes away all that was installed, except what was changed since. */
export function planUninstall(record: InstallRecord, root: string): Promise<readonly Step[]> {
  return planRemoval(Object.entries(record.files), root);
}

async function planRemoval(
  files: readonly (readonly [path: string, sha256: string])[],
  root: string,
): Promise<readonly Step[]> {
  const steps: Step[] = [];
  for (const [path, sha256] of files) {
    const found = await look(join(root, path));
    if (found !== null) {
      const action = found.sha256 === sha256 ? 'remove' : 'keep';
      steps.push({ path, action, bytes: null, mode: found.mode });
    }
    const beside = await look(join(root, `${path}.new`));
    if (beside?.sha256 === sha256) {
      steps.push({ path: `${path}.new`, action: 'remove', bytes: null, mode: beside.mode });
    }
  }
  return steps;
}

function stepFor(part: Part, bytes: Buffer, found: Found | null, written: string | null): Step {
  const { path, mode } = part;
  const step = (action: Step['action']): Step => {
    const isWritten = action === 'create' || action === 'replace' || action === 'beside';
    return { path, mode, action, bytes: isWritten ? bytes : null };
  };
  if (found === null) return step('create');
  const wanted = hashOf(bytes);
  if (found.sha256 === wanted) {
    return step(found.mode === mode || part.kind === 'config' ? 'same' : 'replace');
  }
  if (part.kind === 'program' || found.sha256 === written) return step('replace');
  // The operator's own: what is new since the last time is worth a look, the same again is not.
  return step(written === wanted ? 'keep' : 'beside');
}

async function bytesOf(part: Part, source: string): Promise<Buffer> {
  if ('text' in part.content) return Buffer.from(part.content.text);
  const path = join(source, part.content.from);
  const bytes = await readFile(path).catch((error: unknown) => {
    const text = `this package is not complete: ${path} cannot be read (${messageOf(error)})`;
    throw new InstallError('INCOMPLETE', text, { cause: error });
  });
  if (part.replace.length === 0) return bytes;
  let text = bytes.toString();
  for (const [was, is] of part.replace) {
    if (!text.includes(was)) throw new InstallError('INCOMPLETE', `${path} lacks '${was}'`);
    text = text.replaceAll(was, is);
  }
  return Buffer.from(text);
}

/** What is there; null for nothing. A link counts as changed by hand, whatever it leads to. */
async function look(path: string): Promise<Found | null> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile()) return { sha256: 'not a file', mode: stats.mode & 0o7777 };
    return { sha256: hashOf(await readFile(path)), mode: stats.mode & 0o7777 };
  } catch (error) {
    if (error instanceof Error && 'code' in error
      && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw new InstallError('FAILED', `cannot look at ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

export function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
