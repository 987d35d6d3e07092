import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { BoundChild, BoundChildOptions } from '../lab/host/bound-child.js';
import type { CommandOptions, CommandResult } from '../lab/host/command.js';
import { LabError } from '../lab/host/error.js';
import { settleAll } from '../lab/host/settle.js';
import type { ClusterNode } from './corosync-config.js';
import type { Namespace } from './namespace.js';

const LOG_TAIL_CHARS = 4_000;

/** One node: its namespaces, its corosync, and what runs beside it. */
export class NetnsNode {
  readonly node: ClusterNode;
  readonly #namespace: Namespace;
  readonly #folder: string;
  readonly #clients = new Set<BoundChild>();
  #corosync: BoundChild | null = null;

  constructor(node: ClusterNode, namespace: Namespace, folder: string) {
    this.node = node;
    this.#namespace = namespace;
    this.#folder = folder;
  }

  /** The pid of the running corosync, or null. */
  get corosyncPid(): number | null {
    return this.#corosync?.alive === true ? this.#corosync.pid : null;
  }

  /** Starts corosync and returns at once; wait with `NetnsCluster.ready`. */
  start(): void {
    if (this.corosyncPid !== null) {
      throw new LabError('BUSY', `corosync of ${this.node.name} runs already; end it first`);
    }
    const log = openSync(this.#logPath, 'a');
    const args = ['-f', '-c', join(this.#folder, 'corosync.conf')];
    this.#corosync = this.#namespace.start('corosync', args, { stdio: ['ignore', log, log] });
    closeSync(log);
  }

  /** kill -9: the others notice by the token, after 2.2 x `tokenMs`. */
  async kill(): Promise<void> {
    await this.#running.end();
  }

  /** An orderly end: the others know at once. Ends within seconds, not at once. */
  async term(timeoutMs = 15_000): Promise<void> {
    this.#running.signal('SIGTERM');
    await this.#running.ended(timeoutMs);
  }

  /** Freezes corosync. Many library calls of its clients block for as long as it lasts. */
  pause(): void {
    this.#running.signal('SIGSTOP');
  }

  /** Ends `pause`. */
  continue(): void {
    this.#running.signal('SIGCONT');
  }

  /** Runs a program on this node to its end; a status other than 0 is a `LabError`. */
  exec(program: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return this.#namespace.run(program, args, options);
  }

  /** As `exec`, but a status other than 0 is an answer. */
  attempt(
    program: string,
    args: readonly string[],
    options?: CommandOptions,
  ): Promise<CommandResult> {
    return this.#namespace.attempt(program, args, options);
  }

  /** Starts a program on this node that runs until it ends, is ended, or this cluster goes down. */
  spawn(program: string, args: readonly string[], options: BoundChildOptions): BoundChild {
    const child = this.#namespace.start(program, args, options);
    this.#clients.add(child);
    child.process.once('exit', () => this.#clients.delete(child));
    return child;
  }

  /**
   * Runs a module with this Node.js on this node, with an IPC channel (`child.process.send`, and
   * `process.send` inside) and its stderr shown.
   */
  fork(module: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): BoundChild {
    return this.spawn(process.execPath, [module, ...args], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    });
  }

  /** The end of corosync's log, for a message. */
  logTail(): string {
    try {
      return readFileSync(this.#logPath, 'utf8').slice(-LOG_TAIL_CHARS);
    } catch {
      return '(no log)';
    }
  }

  /** Ends everything that runs on this node, also what is paused. */
  async close(): Promise<void> {
    const children = [...this.#clients];
    if (this.#corosync !== null) children.push(this.#corosync);
    await settleAll([...children.map((child) => child.end()), this.#namespace.close()]);
  }

  get #running(): BoundChild {
    if (this.#corosync?.alive === true) return this.#corosync;
    const ending = this.#corosync?.ending ?? 'never started';
    throw new LabError('GONE', `corosync of ${this.node.name} does not run: ${ending}`);
  }

  get #logPath(): string {
    return join(this.#folder, `${this.node.name}.log`);
  }
}
