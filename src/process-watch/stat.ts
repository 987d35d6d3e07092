import { readFileSync } from 'node:fs';

/** Fields after the command's name: the third field of the line is the first of them. */
const FIRST_FIELD = 3;
const START_TIME_FIELD = 22;

/**
 * Field 22 of a line of /proc/PID/stat, null when it has none, or one beyond what JavaScript
 * counts exactly. The command's name (field 2) may hold spaces and parentheses: only the last
 * `)` ends it. @see proc(5)
 */
export function parseStartTime(stat: string): number | null {
  const end = stat.lastIndexOf(')');
  if (end < 0) return null;
  const field = stat.slice(end + 2).split(' ')[START_TIME_FIELD - FIRST_FIELD];
  if (field === undefined || !/^[0-9]+$/.test(field)) return null;
  const time = Number(field);
  return Number.isSafeInteger(time) ? time : null;
}

/**
 * When the process that has this pid now was started, null when there is none.
 * Reads from the kernel's memory, so it does not wait for a disk.
 */
export function readStartTime(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
    // ESRCH: it ended between the open and the read.
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw thrown;
  }
  return parseStartTime(stat);
}
