import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { missingPackages } from '../requirements.js';
import { LabError } from '../host/error.js';
import { buildImage, type Progress } from './build.js';
import { findKernelPackage } from './kernel.js';
import { withLock } from './lock.js';
import { recipeHash, type Flavour } from './recipe.js';

const ENTRIES_MAX = 4;

/** The files of a built image; all of them are only read by what runs from them. */
export interface LabImage {
  readonly folder: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
  /** The private key that the guests let in. */
  readonly key: string;
  /** The guests' host key, under the alias `holdfast-lab`. */
  readonly knownHosts: string;
  /** True when this call found it in the cache. */
  readonly cached: boolean;
}

/**
 * The image of a guest, built when the cache has none for this recipe, kernel package and Node.js.
 * An entry appears by a rename, so it is whole or absent; builders wait for each other.
 */
export async function ensureImage(
  progress: Progress = () => undefined,
  flavour: Flavour = 'plain',
): Promise<LabImage> {
  const missing = missingPackages('lab');
  if (missing.length > 0) {
    throw new LabError('MISSING', `the lab needs Debian packages: apt install ${missing.join(' ')}`);
  }
  const cache = cacheFolder();
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const kernel = await findKernelPackage();
  const folder = join(cache, recipeHash(kernel.version, process.version, flavour));
  if (await exists(folder)) return await take(folder, true);
  return await withLock(join(cache, 'build.lock'), async () => {
    if (await exists(folder)) return await take(folder, true);
    const work = `${folder}.work-${process.pid}`;
    await removeLeftovers(cache);
    try {
      const target = join(work, 'image');
      await mkdir(target, { recursive: true });
      await buildImage(kernel, flavour, target, work, progress);
      await rename(target, folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    const image = await take(folder, false);
    await prune(cache);
    return image;
  });
}

/** ${XDG_CACHE_HOME:-~/.cache}/holdfast-lab */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'holdfast-lab');
}

/** Marks the entry as used now, which `prune` goes by. */
async function take(folder: string, cached: boolean): Promise<LabImage> {
  const now = new Date();
  await utimes(folder, now, now);
  return {
    folder,
    kernel: join(folder, 'vmlinuz'),
    initrd: join(folder, 'initrd.img'),
    disk: join(folder, 'root.img'),
    key: join(folder, 'id'),
    knownHosts: join(folder, 'known_hosts'),
    cached,
  };
}

/** Whoever holds the lock is the only builder: every other work folder is a dead one's. */
async function removeLeftovers(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (/\.work-\d+$/.test(name)) await rm(join(cache, name), { recursive: true, force: true });
  }
}

/** Keeps the entries used last. A running lab keeps its files open, so it loses nothing. */
async function prune(cache: string): Promise<void> {
  const names = (await readdir(cache)).filter((name) => /^[0-9a-f]{16}$/.test(name));
  const entries = await Promise.all(names.map(async (name) => {
    const folder = join(cache, name);
    return { folder, usedMs: (await stat(folder)).mtimeMs };
  }));
  entries.sort((left, right) => right.usedMs - left.usedMs);
  for (const { folder } of entries.slice(ENTRIES_MAX)) {
    await rm(folder, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
