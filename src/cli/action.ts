import { CommanderError, type Command } from 'commander';
import type { ControlClient } from '../control/client.js';
import { openClient } from './client.js';
import { readCommonOptions } from './common-options.js';
import type { CliContext, CommonOptions } from './context.js';
import { reportError } from './report-error.js';

/** What a command's work is given. */
export interface Job {
  readonly context: CliContext;
  readonly options: CommonOptions;
  /** Connects only when it is called. */
  readonly open: () => Promise<ControlClient>;
}

/** Where a command leaves its exit status. */
export interface Outcome {
  exitCode: number;
}

/** Runs a command's work, tells the user when it fails, and keeps the exit status. */
export async function perform(
  command: Command,
  context: CliContext,
  outcome: Outcome,
  work: (job: Job) => Promise<number>,
): Promise<void> {
  const options = readCommonOptions(command);
  try {
    const job = { context, options, open: () => openClient(context, options) };
    outcome.exitCode = await work(job);
  } catch (error) {
    if (error instanceof CommanderError) {
      throw error;
    }
    outcome.exitCode = await reportError(error, context, options);
  }
}

export function printJson(context: CliContext, value: unknown): void {
  context.stdout.write(`${JSON.stringify(value)}\n`);
}
