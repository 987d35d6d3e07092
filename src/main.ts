#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { DEV_NODES_MAX } from './dev/limits.js';
import { readVersion } from './version.js';

interface MainOptions {
  readonly config?: string;
  readonly dev?: true;
  readonly nodes: number;
  readonly scene?: true;
  readonly once?: true;
}

/** Usage errors leave with 2, as a wrong configuration does. */
const EXIT_USAGE = 2;

const program = new Command('holdfastd')
  .description('Holds cluster-wide locks through its own death, and tells every node who holds what.')
  .version(readVersion())
  .option('-c, --config <file>', 'configuration (default: /etc/holdfast/holdfast.toml)')
  .option('--dev', 'run a whole cluster in this process, without corosync or DLM')
  .addOption(
    new Option('--nodes <count>', `nodes of that cluster, 1 to ${DEV_NODES_MAX}`)
      .default(3)
      .argParser(parseNodes),
  )
  .option('--scene', 'with --dev: play the main job first')
  .option('--once', 'with --scene: leave after it, with 0 when every step happened')
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE);
  })
  .action(async (options: MainOptions, command: Command) => {
    checkTogether(options, command);
    process.exitCode = await (options.dev === true ? runDev(options) : runDaemon(options));
  });

/** Only what is used is loaded: the daemon starts without the embedded cluster. */
async function runDaemon(options: MainOptions): Promise<number> {
  const daemon = await import('./daemon.js');
  return daemon.runDaemon(options.config ?? null);
}

async function runDev(options: MainOptions): Promise<number> {
  const dev = await import('./dev/run-dev.js');
  const scene = options.scene === true;
  // From this file and not from theirs: programs are bundled by entry.
  const cliFile = fileURLToPath(new URL('./cli/main.js', import.meta.url));
  return dev.runDev({ nodes: options.nodes, scene, once: options.once === true, cliFile });
}

/** An option that would quietly do nothing is refused: it was meant to do something. */
function checkTogether(options: MainOptions, command: Command): void {
  if (options.dev === true) {
    if (options.config !== undefined) command.error('--config does not go with --dev');
    return;
  }
  for (const name of ['nodes', 'scene', 'once']) {
    if (command.getOptionValueSource(name) === 'cli') command.error(`--${name} goes with --dev`);
  }
}

function parseNodes(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= DEV_NODES_MAX) return count;
  return program.error(`--nodes takes a whole number from 1 to ${DEV_NODES_MAX}, not '${text}'`);
}

await program.parseAsync();
