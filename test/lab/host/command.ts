import { spawn } from 'node:child_process';

import { LabError } from './error.js';

const TIMEOUT_MS = 30_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export interface CommandOptions {
  readonly timeoutMs?: number;
  readonly input?: string | Buffer;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** How a command ended; `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end without a shell and gives its output; a failure is a `LabError`. */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await attempt(program, args, options);
  if (result.code === 0) return result;
  const ending = result.signal === null ? `with ${result.code}` : `by ${result.signal}`;
  const said = `${result.stdout.slice(-2000)}${result.stderr.slice(-4000)}`.trim();
  throw new LabError('COMMAND_FAILED', `${program} ${args.join(' ')} ended ${ending}: ${said}`);
}

/** As `run`, but a status other than 0 is an answer and not an error. Running late is an error. */
export function attempt(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: 'pipe',
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const out = new Output(() => child.kill('SIGKILL'));
    const timer = setTimeout(() => {
      out.late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => out.add(out.stdout, chunk));
    child.stderr.on('data', (chunk: Buffer) => out.add(out.stderr, chunk));
    // A program that does not read its input ends the pipe early: its exit status tells the rest.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(options.input ?? '');
    child.on('error', (cause) => {
      clearTimeout(timer);
      const text = `cannot run ${program}: ${cause.message}; is its package installed?`;
      reject(new LabError('COMMAND_FAILED', text, cause));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const text = out.fault(`${program} ${args.join(' ')}`, timeoutMs);
      if (text !== null) reject(new LabError(out.late ? 'TIMEOUT' : 'COMMAND_FAILED', text));
      else resolve({ code, signal, stdout: textOf(out.stdout), stderr: textOf(out.stderr) });
    });
  });
}

/** The output of a running command, kept up to a bound beyond which the command is ended. */
class Output {
  readonly stdout: Buffer[] = [];
  readonly stderr: Buffer[] = [];
  late = false;
  #bytes = 0;
  readonly #end: () => void;

  constructor(end: () => void) {
    this.#end = end;
  }

  add(chunks: Buffer[], chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > OUTPUT_BYTES_MAX) this.#end();
    else chunks.push(chunk);
  }

  fault(command: string, timeoutMs: number): string | null {
    const said = `${textOf(this.stdout).slice(-1000)}${textOf(this.stderr).slice(-1000)}`.trim();
    if (this.late) return `${command} ran longer than ${timeoutMs} ms and was killed: ${said}`;
    if (this.#bytes <= OUTPUT_BYTES_MAX) return null;
    return `${command} printed more than ${OUTPUT_BYTES_MAX} bytes and was killed`;
  }
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString();
}
