import { constants } from 'node:os';
import type { ControlClient } from '../../control/client.js';
import { RefusedError } from '../../control/error.js';
import type { LockMode, Owner } from '../../control/schema.js';
import { messageOf } from '../../errors.js';
import type { Job } from '../action.js';
import { CliError } from '../cli-error.js';
import { ConflictError } from '../conflict-error.js';
import type { CliContext } from '../context.js';
import { readProcessStat } from '../process-stat.js';
import { FORWARDED_SIGNALS, forwardSignal } from '../run/forward-signal.js';
import { spawnGated, type Ending, type GatedProcess } from '../run/gated-process.js';
import { printableLines } from '../text.js';

/** How long the explicit release may take; the daemon does it anyway when the process is gone. */
const RELEASE_MS_MAX = 10_000;

export interface RunWish {
  readonly resource: string;
  /** What is taken together with it, all or none. */
  readonly others: readonly string[];
  readonly mode: LockMode;
  readonly waitMs: number | null;
  /** The command and its arguments. */
  readonly argv: readonly string[];
}

/**
 * `holdfast run`: runs a command while a lock is held.
 *
 * The owner is the command's own process, made before the lock is asked for and let go only when
 * it is granted. So the lock lasts exactly as long as the command, also when this one is killed.
 *
 * @returns the command's exit status, or 128 plus the number of the signal that killed it
 * @throws what kept the command from being started
 */
export async function run({ context, open }: Job, wish: RunWish): Promise<number> {
  const client = await open();
  const gated = await spawnGated(wish.argv, { ...context.env, ...environmentOf(wish) });
  const phase: Phase = { current: { kind: 'waiting', cancel: new AbortController() } };
  const stopListening = context.onSignal(FORWARDED_SIGNALS, (signal) => {
    onSignal(phase, gated, signal, context);
  });
  let ending: Ending;
  let owner: Owner;
  try {
    const taken = await takeLock(client, wish, gated, phase);
    owner = taken.owner;
    phase.current = { kind: 'running' };
    gated.open(taken.generation);
    ending = await gated.ended;
  } catch (error) {
    gated.abandon();
    await gated.ended;
    throw error;
  } finally {
    stopListening();
  }
  for (const resource of [wish.resource, ...wish.others]) {
    await giveBack(client, resource, owner, context);
  }
  return toExitCode(ending);
}

/** A name has no control characters, so the newline tells several apart. */
function environmentOf({ resource, others }: RunWish): NodeJS.ProcessEnv {
  return { HOLDFAST_RESOURCE: resource, HOLDFAST_RESOURCES: [resource, ...others].join('\n') };
}

/** The generation of the first resource's lock; null when its mode has none. */
async function acquire(
  client: ControlClient,
  { resource, others, mode, waitMs }: RunWish,
  owner: Owner,
  signal: AbortSignal,
): Promise<number | null> {
  if (others.length === 0) {
    const { lock } = await client.acquire({ resource, mode, owner, waitMs, signal });
    return lock.generation;
  }
  const members = [resource, ...others].map((name) => ({ resource: name, mode }));
  const taken = await client.acquireSet({ members, owner, waitMs, signal });
  return taken.members[0]?.lock.generation ?? null;
}

/** The same failure with the exit status that the user chose for a lock that cannot be had. */
export function toConflictError(error: unknown, exitCode: number | undefined): unknown {
  const conflict = error instanceof RefusedError
    && (error.code === 'HELD' || error.code === 'TIMEOUT');
  return conflict && exitCode !== undefined ? new ConflictError(error, exitCode) : error;
}

interface Phase {
  current:
    | { readonly kind: 'waiting'; readonly cancel: AbortController }
    | { readonly kind: 'interrupted'; readonly signal: NodeJS.Signals }
    | { readonly kind: 'running' };
}

function onSignal(
  phase: Phase,
  gated: GatedProcess,
  signal: NodeJS.Signals,
  context: CliContext,
): void {
  const { current } = phase;
  if (current.kind === 'waiting') {
    phase.current = { kind: 'interrupted', signal };
    current.cancel.abort();
  } else if (current.kind === 'running') {
    forwardSignal(gated.pid, signal).catch((error: unknown) => {
      context.stderr.write(`holdfast: cannot pass on ${signal}: ${messageOf(error)}\n`);
    });
  }
}

async function takeLock(
  client: ControlClient,
  wish: RunWish,
  gated: GatedProcess,
  phase: Phase,
): Promise<{ readonly owner: Owner; readonly generation: number | null }> {
  const { resource } = wish;
  const { startTime } = await readProcessStat(gated.pid);
  const owner: Owner = { kind: 'process', pid: gated.pid, startTime };
  void gated.ended.then((ending) => {
    if (phase.current.kind === 'waiting') {
      const { cancel } = phase.current;
      phase.current = { kind: 'interrupted', signal: signalOf(ending) };
      cancel.abort();
    }
  });
  const { current } = phase;
  if (current.kind !== 'waiting') {
    throw interrupted(resource, current);
  }
  let generation: number | null;
  try {
    generation = await acquire(client, wish, owner, current.cancel.signal);
  } catch (error) {
    throw phase.current.kind === 'interrupted' ? interrupted(resource, phase.current) : error;
  }
  if (phase.current.kind === 'interrupted') {
    throw interrupted(resource, phase.current);
  }
  return { owner, generation };
}

function interrupted(resource: string, current: Phase['current']): CliError {
  const signal = current.kind === 'interrupted' ? current.signal : 'SIGTERM';
  return new CliError('INTERRUPTED', 128 + constants.signals[signal],
    `Interrupted (${signal}) while waiting for ${resource}; the command was not started.`);
}

function signalOf(ending: Ending): NodeJS.Signals {
  return ending.kind === 'killed' ? ending.signal : 'SIGTERM';
}

async function giveBack(
  client: ControlClient,
  resource: string,
  owner: Owner,
  context: CliContext,
): Promise<void> {
  try {
    await client.release({ resource, owner, timeoutMs: RELEASE_MS_MAX });
  } catch (error) {
    context.stderr.write(printableLines(
      `holdfast: the command has ended, but the release of ${resource} is not confirmed: ` +
        `${messageOf(error)} The daemon releases it by itself when it sees that the command is ` +
        'gone; `holdfast locks` shows whether it has.',
    ) + '\n');
  }
}

function toExitCode(ending: Ending): number {
  return ending.kind === 'exited' ? ending.code : 128 + constants.signals[ending.signal];
}
