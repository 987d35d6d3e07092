import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

import table from './requirements.json' with { type: 'json' };

/** What needs Debian packages on the machine that runs the tests. */
export type Level = keyof typeof table;

/** Where Debian keeps programs; a shell of an ordinary user may lack the sbin folders. */
const FOLDERS = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The Debian packages that a level needs, whether installed or not. */
export function requiredPackages(level: Level): string[] {
  return Object.keys(table[level].packages);
}

/** The packages among them that are missing here, told by one program of each. */
export function missingPackages(level: Level): string[] {
  return Object.entries(table[level].packages)
    .filter(([, program]) => !FOLDERS.some((folder) => isExecutable(join(folder, program))))
    .map(([name]) => name);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
