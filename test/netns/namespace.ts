import { BoundChild, type BoundChildOptions } from '../lab/host/bound-child.js';
import { attempt, type CommandOptions, type CommandResult, run } from '../lab/host/command.js';
import { waitUntil } from '../lab/host/wait.js';

const READY_TIMEOUT_MS = 5_000;

/**
 * Private places, since corosync has one fixed name for its pid file and its sockets. The last
 * mount is the sign that all of them stand.
 */
const MOUNTS = [
  'mount -t tmpfs tmpfs /dev/shm',
  'mount -t tmpfs -o mode=755 tmpfs /run',
  'mount -t tmpfs tmpfs /var/lib/corosync',
  'mkdir /run/holdfast-ready',
  'exec sleep infinity',
].join(' && ');

/**
 * A network and a mount namespace without a name, kept by a process of ours and gone with it: two
 * runs cannot collide and a killed run leaves nothing behind.
 */
export class Namespace {
  readonly #holder: BoundChild;

  private constructor(holder: BoundChild) {
    this.#holder = holder;
  }

  /** Makes the namespaces and waits until the private places are mounted. Needs root. */
  static async create(): Promise<Namespace> {
    const args = ['--net', '--mount', '--propagation', 'private', '--', 'sh', '-c', MOUNTS];
    const holder = BoundChild.start('unshare', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    holder.process.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const namespace = new Namespace(holder);
    try {
      await waitUntil(() => namespace.#isReady(), {
        what: 'a network namespace (needs root)',
        timeoutMs: READY_TIMEOUT_MS,
        intervalMs: 20,
        explain: () => `unshare: ${holder.ending}: ${complaint}`,
      });
      return namespace;
    } catch (thrown) {
      await namespace.close();
      throw thrown;
    }
  }

  /** The process that keeps the namespaces: `ip link ... netns PID` and nsenter want it. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** Runs a program inside to its end; a status other than 0 is a `LabError`. */
  run(program: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return run('nsenter', this.#enter(program, args), options);
  }

  /** As `run`, but a status other than 0 is an answer. */
  attempt(
    program: string,
    args: readonly string[],
    options?: CommandOptions,
  ): Promise<CommandResult> {
    return attempt('nsenter', this.#enter(program, args), options);
  }

  /** Starts a program inside that cannot outlive this thread. */
  start(program: string, args: readonly string[], options: BoundChildOptions): BoundChild {
    return BoundChild.start('nsenter', this.#enter(program, args), options);
  }

  /** Lets go of the namespaces; they vanish with the last process inside. */
  async close(): Promise<void> {
    await this.#holder.end();
  }

  /** Before unshare has done its work, the holder is still in the host's own mount namespace. */
  async #isReady(): Promise<boolean> {
    return (await this.attempt('test', ['-d', '/run/holdfast-ready'])).code === 0;
  }

  #enter(program: string, args: readonly string[]): string[] {
    const target = ['--net', '--mount', '--target', String(this.pid), `--wdns=${process.cwd()}`];
    return [...target, '--', program, ...args];
  }
}
