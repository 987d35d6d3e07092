import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';

const root = join(import.meta.dirname, '../..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { types: string; default: string } | string>;
};
const BINDINGS = ['cpg', 'quorum', 'cmap', 'dlm', 'embedded'];

for (const name of BINDINGS) {
  test(`holdfast/${name} has types and can be imported where no cluster software is`, async (t) => {
    const entry = exports[`./${name}`];
    if (entry === undefined || typeof entry === 'string') return t.fail('it is not exported');
    t.true(existsSync(join(root, entry.types)), entry.types);
    // The library of a binding is loaded by its first use, never by the import.
    const program = `
      const names = Object.keys(await import('holdfast/${name}'));
      const maps = (await import('node:fs')).readFileSync('/proc/self/maps', 'utf8');
      console.log(JSON.stringify({ names, native: maps.match(/lib(cpg|quorum|cmap|dlm)/g) }));`;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: root, timeout: 30_000,
    });
    const { names, native } = JSON.parse(stdout) as { names: string[]; native: string[] | null };
    t.true(names.length > 0);
    t.is(native, null);
  });
}
