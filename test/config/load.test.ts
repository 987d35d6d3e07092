import test from 'ava';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from '../../src/config/index.js';

test('a named file is read', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-config-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'holdfast.toml');
  await writeFile(path, 'lockspace = "other"\n');
  t.is((await loadConfig(path)).lockspace, 'other');
});

test('a named file that does not exist is an error and not the defaults', async (t) => {
  const error = await t.throwsAsync(loadConfig('/nonexistent/holdfast.toml'), {
    instanceOf: ConfigError,
  });
  t.is(error.code, 'NOT_FOUND');
  t.regex(error.message, /^\/nonexistent\/holdfast\.toml: this file does not exist/);
});

test('what cannot be read as a file is told as such', async (t) => {
  const error = await t.throwsAsync(loadConfig(tmpdir()), { instanceOf: ConfigError });
  t.is(error.code, 'UNREADABLE');
});
