import { Option, type Command } from 'commander';
import type { HandoverOptions } from './commands/handover.js';
import { parseSeconds, waitOption } from './common-options.js';
import { actWith, addCommand, type Wiring } from './wire-command.js';

/** Adds `handover open`, `join`, `finish` and `abort`. */
export function addHandoverCommands(program: Command, wiring: Wiring): void {
  const handover = program.command('handover')
    .description('hand a lock over to another node, with nobody in between');
  actWith<HandoverOptions & { readonly to: string; readonly offer?: number }>(
    addStep(handover, 'open', 'on the node that holds it: offer it to another one')
      .addOption(new Option('--to <node>', 'its name or number').makeOptionMandatory())
      .addOption(new Option('--offer <seconds>', 'take it back when nobody joins (default: 60)')
        .argParser(parseSeconds)),
    wiring,
    async (job, [resource = ''], options) =>
      (await import('./commands/handover.js')).openHandover(job, resource, options),
  );
  for (const [step, description] of STEPS) {
    actWith<HandoverOptions>(
      addStep(handover, step, description).addOption(waitOption()),
      wiring,
      async (job, [resource = ''], options) =>
        (await import('./commands/handover.js')).stepHandover(job, step, resource, options),
    );
  }
}

const STEPS = [
  ['join', 'on the other node: take part; both hold it then'],
  ['finish', 'where it was held: give it up. On the other node: wait until it is held alone'],
  ['abort', 'on either node: leave it where it was'],
] as const;

function addStep(handover: Command, name: string, description: string): Command {
  return addCommand(handover, name, description)
    .argument('<resource>', 'what is locked')
    .requiredOption('--owner <name>', 'its owner, the same on both nodes');
}
