import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CommonOptions } from './context.js';

/** Adds what every command takes; so that these may stand before the command and after it. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--socket <path>', "the daemon's socket (default: HOLDFAST_SOCKET, then the config file)")
    .option('--config <file>', 'the config file (default: /etc/holdfast/holdfast.toml)')
    .option('--json', 'print JSON')
    .option('--no-color', 'do not use colours');
}

/** The common options of a command, wherever on the command line they stood. */
export function readCommonOptions(command: Command): CommonOptions {
  const levels = levelsOf(command).map((level) => level.opts<RawOptions>());
  return {
    socket: levels.find(({ socket }) => socket !== undefined)?.socket ?? null,
    config: levels.find(({ config }) => config !== undefined)?.config ?? null,
    json: levels.some(({ json }) => json === true),
    color: levels.every(({ color }) => color !== false),
  };
}

/** A command and those it is part of, the innermost first. */
function levelsOf(command: Command): Command[] {
  return [command, ...(command.parent === null ? [] : levelsOf(command.parent))];
}

interface RawOptions {
  readonly socket?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly color?: boolean;
}

/** What `--wait [SECONDS]` gave: nothing, the bare option, or ms. */
export type RawWait = undefined | true | number;

export function waitOption(): Option {
  return new Option('--wait [seconds]', 'wait for the lock; without a number, for ever')
    .argParser(parseSeconds);
}

/** In ms; null = for ever. */
export function toWaitMs(wait: RawWait): number | null {
  return wait === true ? null : (wait ?? 0);
}

/** The longest wait, 24 days; the daemon's own bound is just above. */
const WAIT_SECONDS_MAX = 2_073_600;

/** For options in seconds; in ms. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds > WAIT_SECONDS_MAX) {
    throw new InvalidArgumentError(
      `Allowed: a number of seconds from 0 to ${WAIT_SECONDS_MAX}. To wait for ever, write ` +
        '--wait as the last option, with -- behind it.',
    );
  }
  return Math.round(seconds * 1000);
}

/** For `--owner-pid` and the like. */
export function parseWhole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`Allowed: a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}
