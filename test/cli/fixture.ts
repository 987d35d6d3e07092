import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { CliContext } from '../../src/cli/context.js';
import { runCli } from '../../src/cli/run-cli.js';

export const NOW = Date.parse('2026-01-02T03:07:05.000Z');
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A context that collects what is written; its signals come from the returned function. */
export function collect(env: NodeJS.ProcessEnv = {}) {
  const written = { stdout: '', stderr: '' };
  const listeners = new Set<(signal: NodeJS.Signals) => void>();
  const sink = (name: keyof typeof written) => ({
    write(text: string) {
      written[name] += text;
    },
  });
  const context: CliContext = {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env,
    now: () => NOW,
    onSignal: (_signals, listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const signal = (name: NodeJS.Signals) => listeners.forEach((listener) => listener(name));
  return { context, written, signal };
}

/** Runs a command line in this process. */
export async function cli(socketPath: string, ...argv: readonly string[]): Promise<CliRun> {
  const { context, written } = collect({ HOLDFAST_SOCKET: socketPath });
  const exitCode = await runCli(argv, context);
  return { exitCode, ...written };
}

export interface SpawnedCli {
  readonly child: ChildProcess;
  /** What it and its command have written so far. */
  readonly output: () => string;
  readonly closed: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** Runs a command line as a process of its own; it is killed when the test has ended. */
export function spawnCli(
  t: ExecutionContext,
  socketPath: string,
  ...argv: readonly string[]
): SpawnedCli {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOLDFAST_SOCKET: socketPath },
  });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const closed = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  return { child, output: () => output, closed };
}

/** Whether a process exists and is no zombie's remains of ours. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') {
      return false;
    }
    throw error;
  }
}
