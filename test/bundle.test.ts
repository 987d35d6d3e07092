import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';

const ROOT = join(import.meta.dirname, '../..');
const TIMEOUT_MS = 20_000;

/** What one of the bundled programs printed. */
async function outputOf(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath, [join(ROOT, 'build/bundle', program), ...args], { timeout: TIMEOUT_MS },
  );
  return stdout;
}

test('the bundled programs find the package that they are part of', async (t) => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  t.is((await outputOf('main.js', '--version')).trim(), version);
  t.is((await outputOf('cli/main.js', '--version')).trim(), version);
});

test('the bundled command line finds the files that it installs', async (t) => {
  const planned = await outputOf('cli/main.js', 'install', '--root', '/nonexistent', '--dry-run');
  t.regex(planned, /holdfastd\.service/);
  t.regex(planned, /holdfast-agent\.sh/);
});

test('the bundled child loads, and ends at once when no daemon has started it', async (t) => {
  const error = await t.throwsAsync(outputOf('dlm/child/main.js'));
  t.regex(error?.message ?? '', /part of holdfastd/);
});
