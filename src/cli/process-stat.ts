import { readFile } from 'node:fs/promises';
import { CliError } from './cli-error.js';
import { EXIT } from './exit-code.js';

/** What /proc/PID/stat says of a process, as far as it matters here. */
export interface ProcessStat {
  /** Its process group. */
  readonly group: number;
  /** The group in the foreground of its terminal; -1 without one. */
  readonly foregroundGroup: number;
  /** In clock ticks since boot. */
  readonly startTime: number;
}

/**
 * Reads /proc/PID/stat.
 *
 * @throws {CliError} NO_PROCESS
 * @see proc_pid_stat(5)
 */
export async function readProcessStat(pid: number | 'self'): Promise<ProcessStat> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    throw new CliError('NO_PROCESS', EXIT.OTHER,
      `There is no process ${pid}, so it can own no lock; give the pid of one that runs.`,
      { cause: error });
  }
  return parseProcessStat(text);
}

/**
 * The second field is the command's name in parentheses, which may contain spaces and parentheses
 * of its own; so counting begins behind the last one.
 */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return { group: field(5), foregroundGroup: field(8), startTime: field(22) };
}
