import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';

import { LabError } from './error.js';
import { waitUntil } from './wait.js';

const END_TIMEOUT_MS = 10_000;

export interface BoundChildOptions {
  readonly stdio: StdioOptions;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Every child that still runs, so that an orderly exit ends them before the kernel has to. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * A process that cannot outlive the thread that started it: the kernel kills it when that thread
 * ends, also by SIGKILL (setpriv --pdeathsig). The program must stay the same process (exec, no
 * fork into the background) and must not change its user, or the kernel forgets the arrangement.
 *
 * @see prctl(2), PR_SET_PDEATHSIG
 */
export class BoundChild {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly #name: string;

  private constructor(child: ChildProcess, pid: number, name: string) {
    this.process = child;
    this.pid = pid;
    this.#name = name;
  }

  static start(
    program: string,
    args: readonly string[],
    options: BoundChildOptions,
  ): BoundChild {
    const command = ['--pdeathsig', 'KILL', '--', program, ...args];
    const child = spawn('setpriv', command, { ...options, detached: true });
    running.add(child);
    child.once('exit', () => running.delete(child));
    // Without a listener a missing setpriv would end the whole test process.
    child.once('error', () => running.delete(child));
    if (child.pid === undefined) {
      throw new LabError('MISSING', `cannot start setpriv for ${program}: install util-linux`);
    }
    return new BoundChild(child, child.pid, program);
  }

  /** False once the process has ended and has been waited for. */
  get alive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** How it ended, in words; for the message of whoever needed it alive. */
  get ending(): string {
    if (this.alive) return 'still running';
    const { exitCode, signalCode } = this.process;
    return signalCode === null ? `exited with ${exitCode}` : `killed by ${signalCode}`;
  }

  /** Sends a signal; nothing happens when the process has ended already. */
  signal(signal: NodeJS.Signals): void {
    if (this.alive) this.process.kill(signal);
  }

  /** Resolves once the process has ended; a `LabError` of code `TIMEOUT` when it does not. */
  async ended(timeoutMs = END_TIMEOUT_MS): Promise<void> {
    const what = `${this.#name} (pid ${this.pid}) to end`;
    await waitUntil(() => !this.alive, { what, timeoutMs, intervalMs: 10 });
  }

  /** Kills the process, also a stopped one, and waits until it is gone. */
  async end(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended();
  }
}
