import type { Command } from 'commander';
import { perform, type Job, type Outcome } from './action.js';
import { addCommonOptions } from './common-options.js';
import type { CliContext } from './context.js';

/** Ties commands to what surrounds them. */
export interface Wiring {
  readonly context: CliContext;
  readonly outcome: Outcome;
}

/** Adds a command with the common options. */
export function addCommand(program: Command, name: string, description: string): Command {
  return addCommonOptions(program.command(name).description(description));
}

/** Says what a command does, given its arguments and its own options. */
export function actWith<Options extends object = object>(
  command: Command,
  { context, outcome }: Wiring,
  work: (job: Job, args: readonly string[], options: Options) => Promise<number>,
): void {
  command.action(async () => {
    await perform(command, context, outcome, (job) =>
      work(job, command.args, command.opts<Options>()));
  });
}
