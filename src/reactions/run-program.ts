import { spawn, type ChildProcess } from 'node:child_process';
import { messageOf } from '../errors.js';
import type { Clock } from '../clock.js';

/** How much of a command's output is logged; the rest is read and dropped. */
export const OUTPUT_BYTES_MAX = 65_536;
/** Between SIGTERM and SIGKILL. */
export const KILL_GRACE_MS = 5_000;

export interface ProgramRun {
  readonly command: readonly string[];
  /** What it reads on standard input. */
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** How a command ended. */
export interface ProgramEnd {
  /** Null when it succeeded; otherwise what went wrong, in words. */
  readonly failure: string | null;
  /** Standard output and error as they came. */
  readonly output: string;
}

/**
 * Runs a program without a shell, in a process group of its own, so that what it started ends
 * with it when its time is up. Never rejects: what went wrong is in the answer.
 *
 * @param signal aborted to end it as if its time were up
 */
export function runProgram(
  run: ProgramRun,
  clock: Clock,
  signal: AbortSignal,
): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const child = start(run);
    if (child instanceof Error) {
      resolve({ failure: `cannot be started: ${child.message}`, output: '' });
      return;
    }
    // Without free descriptors the child comes without pipes, and its error in the next turn.
    const { stdin, stdout, stderr } = child;
    if (stdin === null || stdout === null || stderr === null) {
      child.once('error', (error) => {
        resolve({ failure: `cannot be started: ${messageOf(error)}`, output: '' });
      });
      return;
    }
    const output = new Output();
    stdout.on('data', (bytes: Buffer) => output.add(bytes));
    stderr.on('data', (bytes: Buffer) => output.add(bytes));
    let ended: string | null = null;
    const end = (why: string): void => {
      if (ended !== null) return;
      ended = why;
      killGroup(child.pid, 'SIGTERM');
      // Also after the program itself has gone: what it started may not have heeded SIGTERM.
      clock.setTimer(KILL_GRACE_MS, () => {
        const problem = killGroup(child.pid, 'SIGKILL');
        const what = problem === null ? '; it hangs in the kernel and is left behind' : `; ${problem}`;
        clock.setTimer(KILL_GRACE_MS, () => {
          ended = `${why}${what}`;
          settle(ended);
        });
      });
    };
    const stop = (): void => end('was ended because the daemon stops');
    const timeout = clock.setTimer(run.timeoutMs, () => {
      end(`took longer than ${run.timeoutMs / 1000} s and was ended`);
    });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const settle = (failure: string | null): void => {
      timeout.cancel();
      signal.removeEventListener('abort', stop);
      stdout.destroy();
      stderr.destroy();
      resolve({ failure: ended ?? failure, output: output.text });
    };
    child.once('error', (error) => settle(`cannot be started: ${messageOf(error)}`));
    child.once('exit', (code, by) => {
      // What it wrote last is still in the pipe; a grandchild may keep that open for ever.
      const grace = clock.setTimer(OUTPUT_GRACE_MS, () => settle(describeEnd(code, by)));
      child.once('close', () => {
        grace.cancel();
        settle(describeEnd(code, by));
      });
    });
    // A program need not read its input.
    stdin.on('error', () => stdin.destroy());
    stdin.end(`${run.input}\n`);
  });
}

/** node throws some failures of spawn and emits the others. */
function start(run: ProgramRun): ChildProcess | Error {
  const [program = '', ...args] = run.command;
  const env = { ...process.env, ...run.env };
  try {
    return spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env });
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

const OUTPUT_GRACE_MS = 500;

function describeEnd(code: number | null, by: NodeJS.Signals | null): string | null {
  if (by !== null) return `was killed by ${by}`;
  return code === 0 ? null : `ended with exit code ${code}`;
}

/** What kept the signal from the group; null when it was sent, or nobody is left. */
function killGroup(pid: number | undefined, signal: NodeJS.Signals): string | null {
  if (pid === undefined) return null;
  try {
    process.kill(-pid, signal);
    return null;
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    return isGone ? null : `${signal} cannot be sent: ${messageOf(error)}`;
  }
}

class Output {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #isCut = false;

  add(bytes: Buffer): void {
    const piece = bytes.subarray(0, OUTPUT_BYTES_MAX - this.#bytes);
    this.#isCut ||= piece.byteLength < bytes.byteLength;
    if (piece.byteLength > 0) this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
  }

  get text(): string {
    const text = Buffer.concat(this.#pieces).toString().trimEnd();
    return this.#isCut ? `${text}\n(and more, which is not kept)` : text;
  }
}
