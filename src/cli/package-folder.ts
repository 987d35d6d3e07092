import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder of the package that this program is part of: three above `build/src/cli`, and above
 * `build/bundle/cli`, where the bundled program has this module inside itself.
 */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** The version of that package. */
export function readVersion(): string {
  const text = readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
