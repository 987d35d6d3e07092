import { parse as parseToml, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { ConfigError, type ConfigProblem } from './error.js';
import { nearestKey } from './nearest-key.js';
import { REACTION_KEYS } from './reaction.js';
import { configFileSchema, toConfig, type Config } from './schema.js';

/** More than any real configuration needs; a larger file is surely another one. */
export const CONFIG_BYTES_MAX = 65_536;
/** How much of an offending value a message repeats. */
const SHOWN_CHARACTERS_MAX = 60;
/** How much of an offending key a message repeats and compares. */
const KEY_CHARACTERS_MAX = 64;

const KNOWN_KEYS: readonly string[] = Object.keys(configFileSchema.shape);

/**
 * The configuration that `text` describes, with defaults for what it leaves out.
 *
 * @param path only for messages
 * @throws {ConfigError} `SYNTAX` or `INVALID`, with every problem found
 */
export function parseConfig(text: string, path: string): Config {
  const table = parseTable(text, path);
  const result = configFileSchema.safeParse(table);
  if (result.success) {
    return toConfig(result.data);
  }
  const problems = result.error.issues.flatMap((issue) => toProblems(issue, table, text));
  throw new ConfigError('INVALID', path, problems.sort(byLine), { cause: result.error });
}

function parseTable(text: string, path: string): Readonly<Record<string, unknown>> {
  if (Buffer.byteLength(text) > CONFIG_BYTES_MAX) {
    throw new ConfigError('INVALID', path, [{
      key: null, line: null, nearestKey: null,
      found: `the file is larger than ${CONFIG_BYTES_MAX} bytes`,
      allowed: `at most ${CONFIG_BYTES_MAX} bytes`,
      remedy: 'Check that this is the right file.',
    }]);
  }
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) {
      throw error;
    }
    const [reason = error.message] = error.message.split('\n');
    throw new ConfigError('SYNTAX', path, [{
      key: null, line: error.line, nearestKey: null,
      found: `column ${error.column}: ${reason}`,
      allowed: 'TOML, one `key = value` a line, texts in double quotes',
      remedy: 'Correct that line.',
    }], { cause: error });
  }
}

function toProblems(
  issue: z.core.$ZodIssue,
  table: Readonly<Record<string, unknown>>,
  text: string,
): ConfigProblem[] {
  if (issue.path[0] === 'reaction' && issue.path.length > 1) {
    return inReaction(issue, table['reaction'], text);
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(key, text));
  }
  const key = String(issue.path[0] ?? '');
  const shape: Readonly<Record<string, z.ZodType>> = configFileSchema.shape;
  return [{
    key,
    line: lineOfKey(key, text),
    found: `found ${describeValue(table[key])}`,
    allowed: shape[key]?.meta()?.description ?? issue.message,
    nearestKey: null,
    remedy: 'Correct the value, or remove the line to use the default.',
  }];
}

function unknownKey(key: string, text: string): ConfigProblem {
  const shown = shorten(key, KEY_CHARACTERS_MAX);
  return {
    key: shown,
    line: lineOfKey(key, text),
    found: 'this key is not known',
    allowed: KNOWN_KEYS.join(', '),
    nearestKey: nearestKey(shown, KNOWN_KEYS),
    remedy: 'Rename the key, or remove it.',
  };
}

/** What is wrong inside one of the `[[reaction]]` tables. */
function inReaction(issue: z.core.$ZodIssue, tables: unknown, text: string): ConfigProblem[] {
  const index = Number(issue.path[1]);
  const found: unknown = Array.isArray(tables) ? tables[index] : undefined;
  const table = new Map(Object.entries(found ?? {}));
  const allowed = new Map(Object.entries(REACTION_KEYS));
  const line = lineOfReaction(index, text);
  const name = `reaction ${index + 1}`;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      ...unknownKey(key, text),
      key: `${name}: ${shorten(key, KEY_CHARACTERS_MAX)}`,
      line,
      allowed: [...allowed.keys()].join(', '),
      nearestKey: nearestKey(shorten(key, KEY_CHARACTERS_MAX), [...allowed.keys()]),
    }));
  }
  const key = String(issue.path[2] ?? '');
  return [{
    key: key === '' ? name : `${name}: ${key}`,
    line,
    found: key !== '' && !table.has(key) ? 'is not set' : `found ${describeValue(table.get(key))}`,
    allowed: allowed.get(key) ?? 'a table',
    nearestKey: null,
    remedy: 'Correct that reaction, or remove it.',
  }];
}

/** Where the reaction of that index, from 0, begins. */
function lineOfReaction(index: number, text: string): number | null {
  const heads = text.split('\n').flatMap((line, at) => {
    return /^\s*\[\[\s*(?:reaction|"reaction"|'reaction')\s*\]\]/.test(line) ? [at + 1] : [];
  });
  return heads[index] ?? null;
}

/** Where a key of the top level is set, as a plain or quoted key or as a table's head. */
function lineOfKey(key: string, text: string): number | null {
  const literal = key.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const quoted = `(?:"${literal}"|'${literal}'|${literal})`;
  const pattern = new RegExp(`^\\s*(?:${quoted}\\s*[.=]|\\[{1,2}\\s*${quoted}\\s*[\\].])`);
  const index = text.split('\n').findIndex((line) => pattern.test(line));
  return index === -1 ? null : index + 1;
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') {
    return `the text ${JSON.stringify(shorten(value, SHOWN_CHARACTERS_MAX))}`;
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    return `the number ${value.toString()}`;
  }
  if (typeof value === 'boolean') {
    return String(value);
  }
  if (value instanceof Date) {
    return 'a date';
  }
  return Array.isArray(value) ? 'an array' : 'a table';
}

function shorten(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`;
}

function byLine(one: ConfigProblem, other: ConfigProblem): number {
  return (one.line ?? 0) - (other.line ?? 0);
}
