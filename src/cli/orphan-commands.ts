import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ReleaseOrphanOptions } from './commands/release-orphan.js';
import { actWith, addCommand, type Wiring } from './wire-command.js';

/** Adds `orphans` and `release-orphan`. */
export function addOrphanCommands(program: Command, wiring: Wiring): void {
  actWith(
    addCommand(program, 'orphans', 'locks that no list explains, and what they are in the way of'),
    wiring,
    async (job) => (await import('./commands/orphans.js')).showOrphans(job),
  );
  actWith<ReleaseOrphanOptions>(
    addCommand(program, 'release-orphan', 'release one of them; without --yes only says what it would do')
      .argument('<resource>', 'its name, as `holdfast orphans` shows it')
      .addOption(new Option('--mode <mode>', 'the mode that it is held in')
        .choices(['NL', 'CR', 'CW', 'PR', 'PW', 'EX']).makeOptionMandatory())
      .requiredOption('--reason <text>', 'why nothing needs it any more; logged and listed')
      .addOption(new Option('--expect <count>', 'only while there are so many of that name and mode')
        .argParser(parseCount))
      .option('--yes', 'do it: what still writes under this lock is unprotected from then on'),
    wiring,
    async (job, [resource = ''], options) =>
      (await import('./commands/release-orphan.js')).releaseOrphan(job, resource, options),
  );
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number from 1');
}
