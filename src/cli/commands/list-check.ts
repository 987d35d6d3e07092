import { realpath } from 'node:fs/promises';
import { messageOf } from '../../errors.js';
import {
  checkList, ListError, repairList, type ListCheck,
} from '../../coordinator/list/index.js';
import { printJson, type Job } from '../action.js';
import type { CliContext } from '../context.js';
import { EXIT } from '../exit-code.js';
import { printable } from '../text.js';

export interface ListCheckOptions {
  readonly repair?: true;
  readonly lockspace?: string;
}

type Verdict = 'whole' | 'damaged' | 'repaired';

/**
 * `holdfast list check FILE [--repair]`: says what a lock list has and which lines are damaged.
 * 0 when it is whole or was repaired, 8 when it is damaged, 1 when --repair found it in use.
 */
export async function checkListFile(
  { context, options }: Job,
  file: string,
  { repair, lockspace }: ListCheckOptions,
): Promise<number> {
  // A repair claims the file's own directory, not that of a link to it.
  const path = await realpath(file).catch((thrown: unknown) => {
    throw new ListError('READ_FAILED', `cannot read the lock list: ${messageOf(thrown)}`);
  });
  const { check, keptAside } = repair === true
    ? await repairList({
      file: path, lockspace: lockspace ?? null, now: context.now(), log: logOf(context),
    })
    : { check: await checkList(path), keptAside: null };
  const verdict = verdictOf(check, keptAside);
  if (options.json) printJson(context, { verdict, keptAside, ...check });
  else context.stdout.write(render(check, verdict, keptAside));
  return verdict === 'damaged' ? EXIT.DAMAGED : EXIT.OK;
}

function verdictOf(check: ListCheck, keptAside: string | null): Verdict {
  if (keptAside !== null) return 'repaired';
  return check.problemCount > 0 || check.header === null ? 'damaged' : 'whole';
}

function logOf({ stderr }: CliContext) {
  const log = (text: string) => stderr.write(`holdfast: ${printable(text)}\n`);
  return { info: log, warn: log, error: log };
}

function render(check: ListCheck, verdict: Verdict, keptAside: string | null): string {
  const { header, problems, problemCount, tornAt } = check;
  const lines = [`${printable(check.file)}: ${verdict}`];
  lines.push(header === null
    ? 'header:      none that can be read'
    : `header:      version ${header.major}.${header.minor}, lockspace ${printable(header.lockspace)}, `
      + `boot ${printable(header.bootId)}`);
  lines.push(`read:        ${check.bytes} bytes, ${check.records} records`
    + (check.foreignLines > 0 ? `, ${check.foreignLines} of a newer version` : ''));
  lines.push(`locks:       ${check.locks.length}`, `generations: up to ${check.generations}`);
  if (tornAt !== null) {
    lines.push(`unfinished:  the last line, from byte ${tornAt}; normal after a crash`);
  }
  for (const { line, offset, bytes, what, done } of problems) {
    lines.push(`line ${line} (byte ${offset}, ${bytes} bytes) ${printable(what)}: ${printable(done)}`);
  }
  if (problemCount > problems.length) {
    lines.push(`and ${problemCount - problems.length} more of this sort`);
  }
  if (keptAside !== null) lines.push(`the file as it was is kept as ${printable(keptAside)}`);
  if (verdict === 'damaged') lines.push('--repair writes it anew from what is whole');
  return `${lines.join('\n')}\n`;
}
