import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { run } from './host/command.js';
import { LabError } from './host/error.js';

/** Where the guests have the project; run it with `node /opt/holdfast/build/src/...`. */
export const DEPLOY_PATH = '/opt/holdfast';

const PACK_TIMEOUT_MS = 120_000;
const OPTIONAL_PARTS = ['proto', 'corosync', 'pacemaker', 'systemd', 'packaging', 'scripts', 'examples'];

interface LockFile {
  readonly packages: Record<string, { readonly dev?: boolean; readonly optional?: boolean }>;
}

/**
 * Packs what runs in a guest into one tar file: build/ (with the compiled tests), the packages that
 * are no development dependencies, and the folders of files that ship. Build the project first.
 */
export async function packProject(archive: string, project = projectFolder()): Promise<void> {
  if (!(await exists(join(project, 'build/src')))) {
    throw new LabError('MISSING', `${project}/build/src is missing: build the project first`);
  }
  const parts = ['package.json', 'build', ...(await productionPackages(project))];
  for (const part of OPTIONAL_PARTS) if (await exists(join(project, part))) parts.push(part);
  const skip = ['--exclude=*.map', '--exclude=.tsbuildinfo', '--exclude=*/.cache'];
  // Nested packages are listed on their own too, with their own word on `dev`.
  const args = ['-c', '-f', archive, '-C', project, ...skip, ...parts];
  await run('tar', args, { timeoutMs: PACK_TIMEOUT_MS });
}

/** The paths below node_modules that the lock file does not mark as for development only. */
export async function productionPackages(project: string): Promise<string[]> {
  const text = await readFile(join(project, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as LockFile;
  const wanted = Object.entries(packages)
    .filter(([path, entry]) => path !== '' && entry.dev !== true)
    .map(([path]) => path)
    // What lies inside a package that is packed comes along with it.
    .filter((path, _, all) => !all.some((other) => path.startsWith(`${other}/`)));
  const present: string[] = [];
  for (const path of wanted) {
    // Optional packages for other machines are in the lock file and not on the disk.
    if (await exists(join(project, path))) present.push(path);
  }
  return present;
}

/** The project that this file was compiled in: build/test/lab is three folders below it. */
function projectFolder(): string {
  return dirname(dirname(dirname(import.meta.dirname)));
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
