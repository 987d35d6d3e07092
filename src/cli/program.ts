import { Command, Option } from 'commander';
import type { Outcome } from './action.js';
import { addCommonOptions } from './common-options.js';
import type { CliContext } from './context.js';
import { EXIT_CODES_HELP } from './exit-code.js';
import { addHandoverCommands } from './handover-commands.js';
import { addInstallCommands } from './install-commands.js';
import { addListCommands } from './list-commands.js';
import { addLockCommands } from './lock-commands.js';
import { addOrphanCommands } from './orphan-commands.js';
import { readVersion } from './package-folder.js';
import { addRunCommand } from './run-command.js';
import { actWith, addCommand, type Wiring } from './wire-command.js';

/** The command line's grammar. What a command does is loaded only when it is used. */
export function createProgram(context: CliContext, outcome: Outcome): Command {
  const program = new Command('holdfast')
    .description('Cluster-wide locks that survive their daemon, and a view of who holds what.')
    .version(readVersion())
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .showHelpAfterError('(holdfast --help says more)')
    .addHelpText('after', EXIT_CODES_HELP);
  addCommonOptions(program);
  const wiring = { context, outcome };
  addViewCommands(program, wiring);
  addLockCommands(program, wiring);
  addHandoverCommands(program, wiring);
  addOrphanCommands(program, wiring);
  addRunCommand(program, wiring);
  addStopCommand(program, wiring);
  addListCommands(program, wiring);
  addInstallCommands(program, wiring);
  return program;
}

function addViewCommands(program: Command, wiring: Wiring): void {
  actWith(
    addCommand(program, 'status', 'what this node is, and how far it can vouch for its locks'),
    wiring,
    async (job) => (await import('./commands/status.js')).showStatus(job),
  );
  actWith(
    addCommand(program, 'nodes', 'every known node, and what its state means for its locks'),
    wiring,
    async (job) => (await import('./commands/nodes.js')).showNodes(job),
  );
  actWith<{ node?: string }>(
    addCommand(program, 'locks', 'who holds what, on every node')
      .argument('[resource]', 'only the locks on it')
      .addOption(new Option('--node <node>', 'only the locks of this node; its name or id')),
    wiring,
    async (job, [resource], { node }) =>
      (await import('./commands/locks.js')).showLocks(job, { resource, node }),
  );
  actWith(
    addCommand(program, 'explain', 'why a resource is or is not to be had, in sentences')
      .argument('<resource>', 'its name'),
    wiring,
    async (job, [resource = '']) =>
      (await import('./commands/explain.js')).explain(job, resource),
  );
  actWith(
    addCommand(program, 'died', 'what a node that is gone last held: what died with it')
      .argument('<node>', 'its name or id'),
    wiring,
    async (job, [node = '']) => (await import('./commands/died.js')).showDied(job, node),
  );
  actWith(
    addCommand(program, 'watch', 'print every change until interrupted'),
    wiring,
    async (job) => (await import('./commands/watch.js')).watch(job),
  );
}

function addStopCommand(program: Command, wiring: Wiring): void {
  actWith<{ readonly releaseLocks?: true; readonly keepLocks?: true }>(
    addCommand(program, 'stop', 'stop the daemon; refused while it holds locks')
      .addOption(new Option('--release-locks', 'release what it holds: its protection ends'))
      .addOption(
        new Option('--keep-locks', 'keep it as orphans of this node, for the next start to adopt')
          .conflicts('releaseLocks'),
      ),
    wiring,
    async (job, _operands, choice) => (await import('./commands/stop.js')).stop(job, choice),
  );
}
