import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openControlClient, type ControlClient } from '../../../src/control/index.js';
import type { BoundChild } from '../../lab/host/bound-child.js';
import { waitUntil } from '../../lab/host/wait.js';
import { NetnsCluster } from '../../netns/cluster.js';

const AGENT = fileURLToPath(new URL('coordinator-agent.js', import.meta.url));
const LOG_CHARS_MAX = 1_000_000;
const PATIENCE_MS = 30_000;

/** A daemon inside a node and what it has printed. */
export interface Daemon {
  readonly child: BoundChild;
  log: string;
}

/** Three coordinators on three real corosyncs, each asked through its control socket. */
export class CoordinatorCluster {
  readonly corosync: NetnsCluster;
  readonly #folder = mkdtempSync(join(tmpdir(), 'holdfast-real-'));
  readonly #daemons = new Map<number, Daemon>();

  private constructor(corosync: NetnsCluster) {
    this.corosync = corosync;
  }

  /** All daemons run and know each other. Call `down` however the test ends. */
  static async up(tokenMs: number): Promise<CoordinatorCluster> {
    const cluster = new CoordinatorCluster(await NetnsCluster.up({ tokenMs }));
    try {
      for (const id of [1, 2, 3]) cluster.start(id);
      await cluster.untilReady();
      return cluster;
    } catch (thrown) {
      await cluster.down();
      throw thrown;
    }
  }

  start(id: number): void {
    this.#daemons.set(id, this.#spawn(id, `n${id}`));
  }

  /** Another daemon on a node that has one, with a list and a socket of its own. */
  startBeside(id: number): Daemon {
    return this.#spawn(id, `n${id}-beside`);
  }

  #spawn(id: number, name: string): Daemon {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    const incarnation = randomBytes(16).toString('hex');
    const args = [AGENT, String(id), folder, incarnation];
    const child = this.corosync.node(id).spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe'], env: process.env,
    });
    const daemon: Daemon = { child, log: '' };
    child.process.stderr?.on('data', (chunk: Buffer) => {
      daemon.log = `${daemon.log}${chunk.toString()}`.slice(-LOG_CHARS_MAX);
    });
    return daemon;
  }

  daemon(id: number): Daemon {
    const daemon = this.#daemons.get(id);
    if (daemon === undefined) throw new Error(`no daemon was started on node ${id}`);
    return daemon;
  }

  client(id: number): ControlClient {
    return openControlClient({ socketPath: this.socketPath(id) });
  }

  /** The control socket of that node's daemon. */
  socketPath(id: number): string {
    return join(this.#folder, `n${id}`, 'control.sock');
  }

  async acquire(id: number, resource: string, mode: 'EX' | 'PR' = 'EX'): Promise<void> {
    const owner = { kind: 'named', name: `owner-${id}` } as const;
    await this.client(id).acquire({ resource, mode, owner, waitMs: 5_000 });
  }

  /** One node's whole view, one line per node and lock: `n2 synced 1`, `disk n2 held synced`. */
  async view(id: number): Promise<readonly string[]> {
    const [nodes, locks] = await Promise.all([this.client(id).nodes(), this.client(id).locks()]);
    return [
      ...nodes.map(({ name, state, locks: count }) => `${name} ${state} ${count}`),
      ...locks.map(({ resource, node, state, nodeState }) =>
        `${resource} ${node.name} ${state} ${nodeState}`),
    ];
  }

  /** Every one of these nodes has exactly this view; gives how long that took, in ms. */
  async untilView(ids: readonly number[], lines: readonly string[]): Promise<number> {
    const begunMs = performance.now();
    let last: string[] = [];
    await waitUntil(async () => {
      const views = await Promise.all(ids.map((id) => this.view(id)));
      last = views.map((view, index) => `n${ids[index]}: ${view.join(', ')}`);
      return views.every((view) => view.join() === lines.join());
    }, {
      what: `n${ids.join(', n')} to see: ${lines.join(', ')}`,
      timeoutMs: PATIENCE_MS, intervalMs: 20,
      explain: () => [...last, ...ids.map((id) => this.daemon(id).log.slice(-3_000))].join('\n'),
    });
    return performance.now() - begunMs;
  }

  async untilStanding(id: number, kind: string, timeoutMs = PATIENCE_MS): Promise<number> {
    const begunMs = performance.now();
    await waitUntil(async () => (await this.client(id).status()).standing.kind === kind, {
      what: `n${id} to be ${kind}`, timeoutMs, intervalMs: 10,
      explain: () => this.daemon(id).log.slice(-3_000),
    });
    return performance.now() - begunMs;
  }

  /** All of them are `ok` and have each other's manifest. */
  async untilReady(): Promise<void> {
    for (const id of [1, 2, 3]) {
      await this.untilStanding(id, 'ok');
      await waitUntil(async () => {
        const nodes = await this.client(id).nodes();
        return nodes.length === 3 && nodes.every(({ state }) => state === 'synced');
      }, {
        what: `n${id} to know the others`, timeoutMs: PATIENCE_MS, intervalMs: 20,
        explain: () => this.daemon(id).log.slice(-3_000),
      });
    }
  }

  async down(): Promise<void> {
    try {
      await this.corosync.down();
    } finally {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}
