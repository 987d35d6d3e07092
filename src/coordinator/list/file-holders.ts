import { readdir, readFile, readlink, realpath } from 'node:fs/promises';

/** Most that are named: one is the rule. */
const HOLDERS_MAX = 4;
const COMMAND_CHARACTERS_MAX = 120;

/**
 * The other processes that have this file open, as far as we may see: `4711 (node holdfastd)`. It
 * is only looked for to be told, so whatever cannot be read is passed over. @see fuser(1)
 */
export async function describeHolders(path: string): Promise<readonly string[]> {
  const target = await orNull(realpath(path));
  if (target === null) return [];
  const holders: string[] = [];
  for (const pid of (await orNull(readdir('/proc'))) ?? []) {
    if (!/^[0-9]+$/.test(pid) || Number(pid) === process.pid) continue;
    if (await hasOpen(pid, target)) holders.push(`${pid} (${await commandOf(pid)})`);
    if (holders.length >= HOLDERS_MAX) break;
  }
  return holders;
}

async function hasOpen(pid: string, target: string): Promise<boolean> {
  for (const fd of (await orNull(readdir(`/proc/${pid}/fd`))) ?? []) {
    if ((await orNull(readlink(`/proc/${pid}/fd/${fd}`))) === target) return true;
  }
  return false;
}

async function commandOf(pid: string): Promise<string> {
  const line = (await orNull(readFile(`/proc/${pid}/cmdline`, 'utf8'))) ?? '';
  return line.replaceAll('\0', ' ').trim().slice(0, COMMAND_CHARACTERS_MAX);
}

/** Null for what is gone by now, or not ours to see. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return null;
    throw thrown;
  }
}
