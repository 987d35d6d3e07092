import { Option, type Command } from 'commander';
import { waitOption, type RawWait } from './common-options.js';
import { addOwnerOptions, type OwnerOptions } from './owner-options.js';
import type { ModeOptions } from './commands/acquire.js';
import { actWith, addCommand, type Wiring } from './wire-command.js';

/** Adds `acquire` and `release`. */
export function addLockCommands(program: Command, wiring: Wiring): void {
  actWith<ModeOptions & OwnerOptions & { readonly wait?: RawWait }>(
    addModeOptions(addOwnerOptions(
      addCommand(program, 'acquire', 'take a lock for an owner that outlives this command')
        .argument('<resource...>', 'what to lock; several are taken together, all or none'),
    )).addOption(waitOption()),
    wiring,
    async (job, [resource = '', ...others], options) => others.length === 0
      ? (await import('./commands/acquire.js')).acquire(job, resource, options)
      : (await import('./commands/acquire-set.js')).acquireSet(job, [resource, ...others], options),
  );
  actWith<OwnerOptions>(
    addOwnerOptions(
      addCommand(program, 'release', 'give a lock back')
        .argument('<resource>', 'what is locked'),
    ),
    wiring,
    async (job, [resource = ''], options) =>
      (await import('./commands/release.js')).release(job, resource, options),
  );
}

/** Adds --shared and --mode. */
export function addModeOptions(command: Command): Command {
  return command
    .addOption(new Option('--shared', 'let others read beside it (mode PR)').conflicts('mode'))
    .addOption(new Option('--mode <mode>', 'the DLM mode (default: EX, exclusive)')
      .choices(['NL', 'CR', 'CW', 'PR', 'PW', 'EX']));
}
