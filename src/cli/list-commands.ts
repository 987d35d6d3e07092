import { Option, type Command } from 'commander';
import type { ListCheckOptions } from './commands/list-check.js';
import { actWith, addCommand, type Wiring } from './wire-command.js';

/** Adds `list check`, which needs no daemon. */
export function addListCommands(program: Command, wiring: Wiring): void {
  const list = program.command('list').description("look after a lock list's file");
  actWith<ListCheckOptions>(
    addCommand(list, 'check', 'verify a lock list, without a daemon')
      .argument('<file>', 'the list, such as /var/lib/holdfast/locks.jsonl')
      .addOption(new Option('--repair', 'write it anew from what is whole; keep the old file aside'))
      .addOption(new Option('--lockspace <name>', 'with --repair, when the header is damaged')),
    wiring,
    async (job, [file = ''], options) =>
      (await import('./commands/list-check.js')).checkListFile(job, file, options),
  );
}
