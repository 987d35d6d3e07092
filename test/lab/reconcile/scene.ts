import { openLine, sealLine } from '../../../src/coordinator/list/line.js';
import { readList } from '../../../src/coordinator/list/read.js';
import type { ListedLock } from '../../../src/coordinator/core/record.js';
import type { Owner } from '../../../src/control/schema.js';
import type { Lab } from '../cluster.js';
import { DEPLOY_PATH } from '../deployment.js';
import { HoldfastNode, type ApiAnswer } from '../holdfast.js';
import { parseKernelTable, type KernelEntry } from '../kernel-table.js';

const PROBE = `${DEPLOY_PATH}/build/test/lab/dlm-probe.js`;
const PROBE_TIMEOUT_MS = 90_000;
const LIST = '/var/lib/holdfast/locks.jsonl';
const EVENTS = '/var/tmp/events.sse';
const SOCKET = '/run/holdfast/control.sock';
const MAIN = `${DEPLOY_PATH}/build/bundle/main.js`;
const HOLD = '/run/holdfast-stays-away';
const REUSE_TRIES_MAX = 300;
const STARTED_MS_MAX = 300_000;

/** Asking takes an emulated processor a good part of a second, which a start needs more. */
const ASK_PAUSE_MS = 1_000;

/** The unit that starts the daemon again, whatever ends it. */
export const UNIT = 'holdfastd-scene';
const UNIT_PROPERTIES = [
  'Restart=always', 'RestartSec=100ms', 'StartLimitIntervalSec=0',
  // Else systemd would kill the child: that it ends with its daemon is for the child to do.
  'KillMode=process',
];

export type ProcessOwner = Extract<Owner, { kind: 'process' }>;

/** A node of the lab as somebody meets it who takes it apart and looks at what is left. */
export class SceneNode extends HoldfastNode {
  #journalFrom = 0;

  /** Starts the daemon as an init system would: again whenever it ends, until `killAll`. */
  override async start(): Promise<void> {
    const run = `while [ -e ${HOLD} ]; do sleep 0.1; done; exec /usr/bin/env node ${MAIN}`;
    const options = UNIT_PROPERTIES.map((property) => `--property=${property}`).join(' ');
    const { stdout } = await this.guest.exec(
      `rm -f ${HOLD}; systemctl is-active --quiet ${UNIT} || ` +
      `systemd-run --quiet --unit=${UNIT} --service-type=exec ${options} -- /bin/sh -c '${run}'; ` +
      `systemctl show -p MainPID --value ${UNIT}`);
    this.daemonPid = Number(stdout.trim());
  }

  /** As of any node, but patient: three daemons that start at once starve each other. */
  override async ready(): Promise<void> {
    await this.until('vouch for its locks', async () => {
      return (await this.status()).standing.kind === 'ok';
    }, STARTED_MS_MAX, ASK_PAUSE_MS);
  }

  /** Kills the daemon and its child in one blow; they stay away until the next `start`. */
  override async killAll(): Promise<void> {
    await this.guest.exec(`touch ${HOLD}; kill -9 ${this.daemonPid} $(pgrep -P ${this.daemonPid})`);
  }

  /** How often the daemon was started again by itself since `start`. */
  async restarts(): Promise<number> {
    const { stdout } = await this.guest.exec(`systemctl show -p NRestarts --value ${UNIT}`);
    return Number(stdout.trim());
  }

  /** From now on `journal` leaves out what was said before. */
  async forgetJournal(): Promise<void> {
    this.#journalFrom = Number((await this.guest.exec('date +%s.%N')).stdout.trim());
  }

  /** What the daemons of this node have logged. */
  async journal(): Promise<string> {
    const from = `--since=@${this.#journalFrom.toFixed(6)}`;
    return (await this.guest.exec(`journalctl --no-pager -o cat ${from} -u ${UNIT}`)).stdout;
  }

  /** The answer to an acquire; `waitMs` is 0 unless said. */
  acquire(resource: string, owner: Owner, mode = 'EX'): Promise<ApiAnswer> {
    return this.post('acquire', { resource, owner, mode });
  }

  /** As `acquire`, but must be granted. */
  async take(resource: string, owner: Owner, mode = 'EX'): Promise<void> {
    const answer = await this.acquire(resource, owner, mode);
    if (answer.status !== 200) throw new Error(`${resource}: ${JSON.stringify(answer.body)}`);
  }

  release(resource: string, owner: Owner): Promise<ApiAnswer> {
    return this.post('release', { resource, owner });
  }

  /** This node's own locks on a resource as the kernel has them, also of no living process. */
  async kernel(resource: string): Promise<KernelEntry[]> {
    return parseKernelTable(await this.kernelLocks())
      .filter((entry) => entry.local && entry.resource === resource);
  }

  /** The locks that the list leaves, by the product's own reader. */
  async listed(): Promise<readonly ListedLock[]> {
    const { stdout } = await this.guest.exec(`cat ${LIST}`);
    return readList(Buffer.from(stdout), LIST).table.listed;
  }

  async listedState(resource: string): Promise<string | undefined> {
    return (await this.listed()).find(({ lock }) => lock.resource === resource)?.state;
  }

  /** Changes what the list says of locks, as if it had been written so; its daemon is not there. */
  async rewriteList(change: (lock: Record<string, unknown>) => object): Promise<void> {
    const { stdout } = await this.guest.exec(`cat ${LIST}`);
    const lines = stdout.trimEnd().split('\n').map((text) => {
      const line = openLine(Buffer.from(text));
      if (line.kind === 'broken') throw new Error(`${LIST}: ${line.why}: ${text}`);
      const value = line.value as Record<string, unknown>;
      const lock = value['lock'] as Record<string, unknown> | undefined;
      if (lock === undefined) return text;
      delete value['crc'];
      return sealLine({ ...value, lock: change(lock) });
    });
    await this.guest.write(LIST, `${lines.join('\n')}\n`, 0o600);
  }

  /** A process that may own locks; it does nothing for as long as it lives. */
  async startOwner(unit: string): Promise<ProcessOwner> {
    const { pid } = await this.guest.start(unit, ['sleep', '100000']);
    return this.ownerOf(pid);
  }

  async ownerOf(pid: number): Promise<ProcessOwner> {
    const { stdout } = await this.guest.exec(`cut -d' ' -f22 /proc/${pid}/stat`);
    return { kind: 'process', pid, startTime: Number(stdout.trim()) };
  }

  /** Ends a process and has the kernel give its pid to another one. */
  async reusePid(pid: number): Promise<void> {
    const script = `kill -9 ${pid}; for i in $(seq ${REUSE_TRIES_MAX}); do ` +
      `echo ${pid - 1} >/proc/sys/kernel/ns_last_pid || exit 1; ` +
      `setsid sleep 100000 </dev/null >/dev/null 2>&1 & ` +
      `[ $! -ne ${pid} ] || exit 0; kill -9 $!; sleep 0.05; done; exit 1`;
    await this.guest.exec(script);
  }

  /** Another program does things in the lockspace, a word each; see dlm-probe.ts. */
  async probe(...steps: string[]): Promise<void> {
    const words = ['holdfast', 'open', ...steps].map((word) => `'${word}'`).join(' ');
    const { stdout } = await this.guest.exec(`node ${PROBE} ${words}`,
      { timeoutMs: PROBE_TIMEOUT_MS });
    const failed = stdout.split('\n').filter((line) => line.includes('"ok":false'));
    if (failed.length > 0) throw new Error(`the probe on ${this.guest.name}: ${failed.join('; ')}`);
  }

  /** Records every event of whichever daemon runs here, from its first moment on. */
  async recordEvents(): Promise<void> {
    const watch = `curl --silent --no-buffer --unix-socket ${SOCKET} http://localhost/v1/watch`;
    const command = `while :; do ${watch} >>${EVENTS}; sleep 0.2; done`;
    await this.guest.start('events', ['/bin/sh', '-c', command]);
  }

  /** The resources that the events so far report as lost. */
  async publishedLost(): Promise<string[]> {
    const { stdout } = await this.guest.exec(`cat ${EVENTS}`);
    return stdout.split('\n').flatMap((line) => {
      if (!line.startsWith('data: ')) return [];
      const event = JSON.parse(line.slice('data: '.length)) as {
        type: string; gone?: boolean; lock?: { resource: string; state: string };
      };
      const isLost = event.type === 'lock' && event.gone === true && event.lock?.state === 'lost';
      return isLost ? [event.lock?.resource ?? ''] : [];
    });
  }

  /** What the daemons of this node have logged about a resource. */
  async saidOf(resource: string): Promise<string> {
    const lines = (await this.journal()).split('\n');
    return lines.filter((line) => line.includes(`'${resource}'`)).join('\n');
  }

  /** Lets go of all that this node has, of named owners and of nobody. */
  async releaseAll(): Promise<void> {
    const id = (await this.status()).node.id;
    for (const { resource, mode, owner, state, node } of await this.locks()) {
      if (node.id !== id) continue;
      const answer = state === 'quarantined'
        ? await this.post('release-orphan', { resource, mode, reason: 'the scene is over' })
        : owner !== null && await this.release(resource, owner);
      if (answer !== false && answer.status === 200) continue;
      throw new Error(`'${resource}' (${state}) was not released: ${JSON.stringify(answer)}`);
    }
  }

  /** How this node shows its own lock on a resource; undefined when it has none. */
  async shown(resource: string): Promise<string | undefined> {
    const id = (await this.status()).node.id;
    return (await this.locks()).find((lock) => lock.resource === resource && lock.node.id === id)
      ?.state;
  }
}

/** The three nodes of a lab. */
export class Scene {
  readonly lab: Lab;
  readonly nodes: readonly [SceneNode, SceneNode, SceneNode];

  constructor(lab: Lab) {
    this.lab = lab;
    this.nodes = [lab.node(1), lab.node(2), lab.node(3)]
      .map((guest) => new SceneNode(guest)) as [SceneNode, SceneNode, SceneNode];
  }

  /** Starts the daemons of the nodes, and waits until they vouch for their locks. */
  async start(nodes: readonly SceneNode[] = this.nodes): Promise<void> {
    await Promise.all(nodes.map(async (node) => {
      await node.start();
      await node.ready();
    }));
  }
}

export function named(name: string): Owner {
  return { kind: 'named', name };
}
