import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

export const DAEMON = fileURLToPath(new URL('../../src/main.js', import.meta.url));
export const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const PATIENCE_MS = 20_000;
const POLL_MS = 20;

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Runs as this user and group; needs root. */
  readonly userId?: number;
}

/** One of our programs as a process of its own, with what it has printed. */
export class Program {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #closed: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#closed = once(child, 'close');
  }

  /** Starts a module with this Node.js; it is killed when the test has ended. */
  static start(
    t: ExecutionContext<unknown>,
    module: string,
    args: readonly string[],
    options: ProgramOptions = {},
  ): Program {
    const { userId } = options;
    const child = spawn(process.execPath, [module, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(userId === undefined ? {} : { uid: userId, gid: userId }),
    });
    const program = new Program(child);
    t.teardown(() => program.end());
    return program;
  }

  /** Runs a module to its end. */
  static async run(
    t: ExecutionContext<unknown>,
    module: string,
    args: readonly string[],
    options: ProgramOptions = {},
  ): Promise<Program> {
    const program = Program.start(t, module, args, options);
    await program.ended();
    return program;
  }

  get exitCode(): number | null {
    return this.child.exitCode;
  }

  /** Waits for the end and gives the exit code; null when a signal was the end. */
  async ended(): Promise<number | null> {
    const late = new AbortController();
    const timer = delay(PATIENCE_MS, 'late', { signal: late.signal }).catch(() => 'in time');
    const first = await Promise.race([this.#closed, timer]);
    late.abort();
    if (first === 'late') throw new Error(`it does not end; it printed:\n${this.stderr}`);
    return this.child.exitCode;
  }

  /** Waits until the text has come, on whichever stream. */
  async untilSaid(pattern: RegExp): Promise<void> {
    await until(() => pattern.test(this.stdout) || pattern.test(this.stderr),
      () => `${String(pattern)}; it said:\n${this.stdout}\n${this.stderr}`);
  }

  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.#closed;
  }
}

/** Waits in real time until it holds; throws, saying what for, when it never does. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: () => string,
): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what()}`);
    await delay(POLL_MS);
  }
}
