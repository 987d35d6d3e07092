import { Command, Option } from 'commander';
import type { ModeOptions } from './commands/acquire.js';
import { CliError } from './cli-error.js';
import { parseWhole, toWaitMs, waitOption, type RawWait } from './common-options.js';
import { EXIT } from './exit-code.js';
import { addModeOptions } from './lock-commands.js';
import { actWith, addCommand, type Wiring } from './wire-command.js';

interface RunOptions extends ModeOptions {
  readonly wait?: RawWait;
  readonly and?: readonly string[];
  readonly conflictExitCode?: number;
}

/**
 * Adds `run`. Its options may stand before and behind the resource; from the first word of the
 * command on, everything belongs to the command.
 */
export function addRunCommand(program: Command, wiring: Wiring): void {
  const command = addRunOptions(
    addCommand(program, 'run', 'run a command while a lock is held, like flock(1)')
      .usage('[options] <resource> [options] [--] <command> [argument...]')
      .argument('<resource>', 'what to lock')
      .argument('[command...]', 'what to run')
      .passThroughOptions(),
  );
  actWith<RunOptions>(command, wiring, async (job, [resource = '', ...rest], before) => {
    const behind = splitRest(rest, wiring);
    const options = { ...before, ...behind.options };
    const { run, toConflictError } = await import('./commands/run.js');
    const { toMode } = await import('./commands/acquire.js');
    const wish = {
      resource, others: [...(before.and ?? []), ...(behind.options.and ?? [])],
      mode: toMode(options), waitMs: toWaitMs(options.wait), argv: behind.argv,
    };
    return run(job, wish).catch((error: unknown) => {
      throw toConflictError(error, options.conflictExitCode);
    });
  });
}

function addRunOptions(command: Command): Command {
  return addModeOptions(command)
    .addOption(waitOption())
    .addOption(new Option('--and <resource>', 'lock this one too, all or none; may be repeated')
      .argParser((name, before: readonly string[] = []) => [...before, name]))
    .addOption(new Option('--conflict-exit-code <n>',
      'exit with it when the lock cannot be had (default: 1 held, 4 timed out)')
      .argParser(parseWhole(0, 255)));
}

/** Options that stand behind the resource, and the command behind them. */
function splitRest(
  rest: readonly string[],
  { context }: Wiring,
): { readonly options: RunOptions; readonly argv: readonly string[] } {
  const grammar = addRunOptions(new Command('holdfast run RESOURCE'))
    .argument('[command...]')
    .passThroughOptions()
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: (text) => context.stderr.write(text) });
  grammar.parse([...rest], { from: 'user' });
  if (grammar.args.length === 0) {
    throw new CliError('USAGE', EXIT.USAGE,
      'Say what to run: holdfast run RESOURCE [--] COMMAND [ARGUMENT...].');
  }
  return { options: grammar.opts<RunOptions>(), argv: grammar.args };
}
