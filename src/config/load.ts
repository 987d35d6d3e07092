import { readFile } from 'node:fs/promises';
import { messageOf } from '../errors.js';
import { ConfigError, type ConfigErrorCode } from './error.js';
import { parseConfig } from './parse.js';
import { CONFIG_PATH_DEFAULT, type Config } from './schema.js';

/**
 * Reads the configuration.
 *
 * Without a `path` the default file is read, and the defaults hold when there is none. A file that
 * was named has to exist: a misspelt path must not quietly turn into the defaults.
 *
 * @throws {ConfigError} with every problem found
 */
export async function loadConfig(path: string | null = null): Promise<Config> {
  const file = path ?? CONFIG_PATH_DEFAULT;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (path === null && hasCode(error, 'ENOENT')) {
      return parseConfig('', file);
    }
    throw toConfigError(error, file);
  }
  return parseConfig(text, file);
}

function toConfigError(error: unknown, file: string): ConfigError {
  const missing = hasCode(error, 'ENOENT');
  const code: ConfigErrorCode = missing ? 'NOT_FOUND' : 'UNREADABLE';
  const problem = {
    key: null,
    line: null,
    nearestKey: null,
    found: missing ? 'this file does not exist' : `cannot be read: ${messageOf(error)}`,
    allowed: 'a TOML file that this user may read',
    remedy: missing
      ? `Correct the path, or leave it out to use ${CONFIG_PATH_DEFAULT} or the defaults.`
      : 'Check the path and the permissions of the file.',
  };
  return new ConfigError(code, file, [problem], { cause: error });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
