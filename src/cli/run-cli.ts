import { CommanderError } from 'commander';
import type { Outcome } from './action.js';
import type { CliContext } from './context.js';
import { EXIT } from './exit-code.js';
import { createProgram } from './program.js';

/**
 * Runs one command line.
 *
 * @param argv without the interpreter and the script
 * @returns the exit status; every failure has been told on `context.stderr`
 */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const outcome: Outcome = { exitCode: EXIT.OK };
  try {
    await createProgram(context, outcome).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
    }
    throw error;
  }
  return outcome.exitCode;
}
