import { Option, type Command } from 'commander';
import { waitOption, type RawWait } from './common-options.js';
import { addOwnerOptions, type OwnerOptions } from './owner-options.js';
import type { LockMode } from '../control/schema.js';
import type { ModeOptions } from './commands/acquire.js';
import { actWith, addCommand, type Wiring } from './wire-command.js';

/** Adds `acquire`, `convert` and `release`. */
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
  actWith<OwnerOptions & { readonly mode: LockMode; readonly wait?: RawWait }>(
    addOwnerOptions(
      addCommand(program, 'convert', 'give a held lock another mode, weaker or stronger')
        .argument('<resource>', 'what is locked')
        .addOption(modeOption('the mode it is to have').makeOptionMandatory()),
    ).addOption(waitOption()),
    wiring,
    async (job, [resource = ''], options) =>
      (await import('./commands/convert.js')).convert(job, resource, options),
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
    .addOption(modeOption('the DLM mode (default: EX, exclusive)'));
}

function modeOption(description: string): Option {
  return new Option('--mode <mode>', description).choices(['NL', 'CR', 'CW', 'PR', 'PW', 'EX']);
}
