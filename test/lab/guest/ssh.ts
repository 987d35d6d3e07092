import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import { messageOf } from '../../../src/errors.js';
import { BoundChild } from '../host/bound-child.js';
import { attempt, type CommandOptions, type CommandResult } from '../host/command.js';
import { LabError } from '../host/error.js';
import { waitUntil } from '../host/wait.js';
import type { LabImage } from '../image/cache.js';

const CONNECT_TIMEOUT_MS = 60_000;
const CONTROL_TIMEOUT_MS = 5_000;
const EXEC_TIMEOUT_MS = 60_000;
/** The status by which ssh itself, and not the command, has failed. */
const SSH_FAILED = 255;

/**
 * Commands in one guest over one kept connection, so that each costs a few ms and no key exchange.
 * The connection is made when needed and dies with this thread.
 */
export class SshChannel {
  readonly #port: number;
  readonly #controlPath: string;
  readonly #options: readonly string[];
  #master: BoundChild | null = null;
  #opening: Promise<void> | null = null;

  constructor(port: number, image: Pick<LabImage, 'key' | 'knownHosts'>, controlPath: string) {
    this.#port = port;
    this.#controlPath = controlPath;
    this.#options = sshOptions(port, image);
  }

  /** What a person types to get in; a command may follow. */
  get words(): readonly string[] {
    return ['ssh', ...this.#options, '-S', this.#controlPath, 'root@127.0.0.1'];
  }

  /** Runs a shell command in the guest; any status is an answer, but a broken connection is not. */
  async attempt(command: string, options: CommandOptions = {}): Promise<CommandResult> {
    await this.open();
    const timeoutMs = options.timeoutMs ?? EXEC_TIMEOUT_MS;
    const result = await attempt('ssh', this.#over(command), { ...options, timeoutMs });
    if (result.code !== SSH_FAILED) return result;
    throw new LabError('UNREACHABLE', `ssh to port ${this.#port} failed: ${result.stderr.trim()}`);
  }

  /** Unpacks the tar file that a program prints into a folder of the guest. */
  async unpack(
    program: string,
    args: readonly string[],
    folder: string,
    timeoutMs: number,
  ): Promise<void> {
    await this.open();
    const quoted = `'${folder.replaceAll("'", `'\\''`)}'`;
    const source = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const unpack = `mkdir -p ${quoted} && tar -x -f - -C ${quoted}`;
    const target = spawn('ssh', this.#over(unpack), { stdio: ['pipe', 'ignore', 'pipe'] });
    let complaint = '';
    target.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const timer = setTimeout(() => {
      complaint += `took longer than ${timeoutMs} ms; `;
      source.kill('SIGKILL');
      target.kill('SIGKILL');
    }, timeoutMs);
    try {
      const [sent, received] = await Promise.all([
        ended(source),
        ended(target),
        // A side that breaks off shows in the other's status, which says more than EPIPE.
        pipeline(source.stdout, target.stdin).catch((thrown: unknown) => {
          complaint += `${messageOf(thrown)}; `;
        }),
      ]);
      if (sent === 0 && received === 0) return;
      const text = `copying to ${folder} failed (${program} ${sent}, ssh ${received}): ${complaint}`;
      throw new LabError('COMMAND_FAILED', text);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Makes the connection unless it stands; fails within a minute when the guest is silent. */
  async open(): Promise<void> {
    if (this.#master?.alive === true) return;
    this.#opening ??= this.#connect().finally(() => (this.#opening = null));
    await this.#opening;
  }

  /** Drops the connection: a reset guest would let it hang. */
  async close(): Promise<void> {
    const master = this.#master;
    this.#master = null;
    await master?.end();
  }

  async #connect(): Promise<void> {
    await this.close();
    // A master that was killed leaves its socket, and the next one would not share over it.
    rmSync(this.#controlPath, { force: true });
    const args = [...this.#options, '-o', 'ControlMaster=yes', '-o', 'ControlPersist=no'];
    const master = BoundChild.start('ssh', [...args, '-S', this.#controlPath, '-N', 'root@127.0.0.1'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    master.process.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    try {
      await waitUntil(() => this.#answers(master, () => complaint), {
        what: `ssh on port ${this.#port}`,
        timeoutMs: CONNECT_TIMEOUT_MS,
        explain: () => complaint,
      });
      this.#master = master;
    } catch (thrown) {
      await master.end();
      throw new LabError('UNREACHABLE', `no ssh on port ${this.#port}`, thrown);
    }
  }

  async #answers(master: BoundChild, complaint: () => string): Promise<boolean> {
    if (!master.alive) {
      throw new LabError('GONE', `ssh to port ${this.#port} ended: ${complaint().trim()}`);
    }
    const check = ['-S', this.#controlPath, '-O', 'check', 'root@127.0.0.1'];
    return (await attempt('ssh', check, { timeoutMs: CONTROL_TIMEOUT_MS })).code === 0;
  }

  #over(command: string): string[] {
    return ['-S', this.#controlPath, '-o', 'ControlMaster=no', ...this.#options,
      'root@127.0.0.1', command];
  }
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
}

function sshOptions(port: number, image: Pick<LabImage, 'key' | 'knownHosts'>): string[] {
  return [
    '-F', 'none', '-p', String(port), '-i', image.key,
    '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'HostKeyAlias=holdfast-lab',
    '-o', `UserKnownHostsFile=${image.knownHosts}`, '-o', 'StrictHostKeyChecking=yes',
    '-o', 'ConnectTimeout=25', '-o', 'LogLevel=ERROR',
  ];
}
