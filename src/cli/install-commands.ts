import { Option, type Command } from 'commander';
import type { InstallOptions } from './commands/install.js';
import { actWith, addCommand, type Wiring } from './wire-command.js';

/** Adds `install` and `uninstall`, which need no daemon. */
export function addInstallCommands(program: Command, wiring: Wiring): void {
  const root = (): Option => new Option('--root <dir>', 'the system, or an image of one')
    .default('/');
  const dryRun = (): Option => new Option('--dry-run', 'say what would be done, change nothing');
  actWith<InstallOptions>(
    addCommand(program, 'install', 'put agents, units and samples where they belong')
      .addOption(root())
      .addOption(dryRun())
      .addOption(new Option('--program <dir>', 'where that system has this package'))
      .addOption(new Option('--node <path>', 'where that system has Node.js')),
    wiring,
    async (job, _operands, options) =>
      (await import('./commands/install.js')).install(job, options),
  );
  actWith<InstallOptions>(
    addCommand(program, 'uninstall', 'remove what `install` has put there')
      .addOption(root())
      .addOption(dryRun()),
    wiring,
    async (job, _operands, options) =>
      (await import('./commands/install.js')).uninstall(job, options),
  );
}
