import { readFileSync } from 'node:fs';
import { z } from 'zod';

const PACKAGE_FILE = new URL('../../package.json', import.meta.url);

/** The version of this program, from its package.json. */
export function readVersion(): string {
  const found: unknown = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8'));
  return z.object({ version: z.string() }).parse(found).version;
}
