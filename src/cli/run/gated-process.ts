import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import { messageOf } from '../../errors.js';

/** What the gate is told in place of a generation when the lock has none. */
const NO_GENERATION = 'none';

/**
 * Waits for a line on descriptor 3, and only then becomes the command. When the other end closes
 * without one, be it that the lock was refused or that we were killed, the command never runs.
 * The line is the lock's generation; no other variable is touched, and none of an outer run's
 * lock is left.
 */
const GATE = [
  'read -r HOLDFAST_GENERATION <&3 || exit 125',
  'exec 3<&-',
  `[ "$HOLDFAST_GENERATION" = ${NO_GENERATION} ] && unset HOLDFAST_GENERATION` +
    ' || export HOLDFAST_GENERATION',
  'exec "$@"',
].join('; ');

/** How a process ended. */
export type Ending =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals };

/** A command that is a process already, but does not run until its gate is opened. */
export interface GatedProcess {
  /** Stays the same when the command takes over. */
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Lets the command run, with the generation of its lock; null when it has none. */
  open(generation: number | null): void;
  /** The command will never run; the process ends. */
  abandon(): void;
}

/** @throws {CliError} when no process can be made */
export async function spawnGated(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<GatedProcess> {
  const child = spawn('/bin/sh', ['-c', GATE, 'holdfast run', ...argv], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env,
  });
  const ended = new Promise<Ending>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(cannotSpawn(error)));
  });
  const gate = child.stdio[3];
  const { pid } = child;
  if (pid === undefined || !(gate instanceof Duplex)) {
    throw cannotSpawn(new Error('the system gave it no pid or no pipe'));
  }
  gate.on('error', () => gate.destroy());
  return {
    pid,
    ended,
    open: (generation) => gate.end(`${generation ?? NO_GENERATION}\n`),
    abandon: () => gate.destroy(),
  };
}

function cannotSpawn(cause: unknown): CliError {
  return new CliError('NO_PROCESS', EXIT.OTHER,
    `The command cannot be started: ${messageOf(cause)}.`, { cause });
}
