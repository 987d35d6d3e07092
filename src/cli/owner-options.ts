import type { Command } from 'commander';
import type { Owner } from '../control/schema.js';
import { CliError } from './cli-error.js';
import { parseWhole } from './common-options.js';
import { EXIT } from './exit-code.js';
import { readProcessStat } from './process-stat.js';

const PID_MAX = 4_194_304;

export interface OwnerOptions {
  readonly owner?: string;
  readonly ownerPid?: number;
}

/** Adds the two ways to say for whom a lock is. */
export function addOwnerOptions(command: Command): Command {
  return command
    .option('--owner <name>', 'the owner: a name, such as a uuid; kept until released')
    .option('--owner-pid <pid>', 'the owner: a process of this host; released when it ends',
      parseWhole(1, PID_MAX));
}

/** @throws {CliError} USAGE unless exactly one way is used; NO_PROCESS */
export async function readOwner(options: OwnerOptions): Promise<Owner> {
  const { owner, ownerPid } = options;
  if (owner !== undefined && ownerPid === undefined) {
    return { kind: 'named', name: owner };
  }
  if (owner === undefined && ownerPid !== undefined) {
    const { startTime } = await readProcessStat(ownerPid);
    return { kind: 'process', pid: ownerPid, startTime };
  }
  throw new CliError('USAGE', EXIT.USAGE, owner === undefined
    ? 'Say for whom the lock is: --owner NAME, or --owner-pid PID. It cannot be this command ' +
      'itself: it ends at once, and the lock with it. To hold a lock while a command runs, use ' +
      '`holdfast run`.'
    : 'Give either --owner or --owner-pid, not both.');
}
