import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { corosyncConfigText } from '../netns/corosync-config.js';
import { chooseAccelerator } from './guest/accelerator.js';
import {
  dlmConfigText, FENCE_AGENT_PATH, FENCE_AGENT_TEXT, type FenceTarget,
} from './guest/fencing.js';
import { Guest } from './guest/guest.js';
import { findFreePorts, randomClusterNetwork } from './guest/ports.js';
import { DEPLOY_PATH, packProject } from './deployment.js';
import { LabError } from './host/error.js';
import { createScratch, removeScratch } from './host/scratch.js';
import { settleAll } from './host/settle.js';
import { waitUntil } from './host/wait.js';
import { ensureImage, type LabImage } from './image/cache.js';
import type { Flavour } from './image/recipe.js';

const SIZE = 3;
const MEMORY_MIB = 512;
const START_ATTEMPTS_MAX = 3;
const QUORATE_TIMEOUT_MS = 120_000;
const SERVICE_TIMEOUT_MS = 120_000;

export interface LabOptions {
  /** Silence after which a guest counts as gone: a starved guest must not look dead. */
  readonly tokenMs?: number;
  readonly memoryMiB?: number;
  /** What is installed in the guests; `plain` unless said. */
  readonly flavour?: Flavour;
  /** Told what happens, with a line for a person who waits. */
  readonly progress?: (line: string) => void;
}

/**
 * Three virtual machines with Debian's kernel, corosync and dlm_controld, with fencing on. Stop it
 * in a `finally` or an `after.always`; what is forgotten dies with the thread that made it.
 */
export class Lab {
  readonly nodes: readonly Guest[];
  /** Where each node's power switch is. */
  readonly fenceTargets: readonly FenceTarget[];
  readonly folder: string;
  readonly #progress: (line: string) => void;

  constructor(
    nodes: readonly Guest[], fenceTargets: readonly FenceTarget[], folder: string,
    progress: (line: string) => void,
  ) {
    this.nodes = nodes;
    this.fenceTargets = fenceTargets;
    this.folder = folder;
    this.#progress = progress;
  }

  /** Node `index`, counted from 1 as node ids are. */
  node(index: number): Guest {
    const node = this.nodes[index - 1];
    if (node === undefined) throw new RangeError(`there is no node ${index} in this lab`);
    return node;
  }

  /** Starts corosync everywhere, waits for quorum with everyone, then starts dlm_controld. */
  async startCluster(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.exec('systemctl start corosync', {
      timeoutMs: SERVICE_TIMEOUT_MS,
    })));
    await this.quorate([1, 2, 3]);
    this.#progress('quorate');
    await Promise.all(this.nodes.map((node) => node.exec('modprobe dlm && systemctl start dlm', {
      timeoutMs: SERVICE_TIMEOUT_MS,
    })));
    for (const node of this.nodes) {
      await waitUntil(async () => (await node.attempt('dlm_tool status')).stdout.includes('quorate 1'), {
        what: `dlm_controld of ${node.name} to be quorate`,
        timeoutMs: QUORATE_TIMEOUT_MS,
        explain: () => this.explain(node),
      });
    }
    this.#progress('dlm_controld runs');
  }

  /** Starts corosync and dlm_controld on one node that was off. */
  async rejoin(index: number): Promise<void> {
    const options = { timeoutMs: SERVICE_TIMEOUT_MS };
    await this.node(index).exec('systemctl start corosync', options);
    await this.node(index).exec('modprobe dlm && systemctl start dlm', options);
  }

  /** Waits until the given nodes are quorate and see exactly each other. */
  async quorate(indexes: readonly number[], timeoutMs = QUORATE_TIMEOUT_MS): Promise<void> {
    const total = new RegExp(`^Total votes: +${indexes.length}$`, 'm');
    await Promise.all(indexes.map(async (index) => {
      const node = this.node(index);
      await waitUntil(async () => {
        const { stdout } = await node.attempt('corosync-quorumtool -s');
        return total.test(stdout) && /^Quorate: +Yes/m.test(stdout);
      }, {
        what: `${node.name} to be quorate with ${indexes.length} nodes`,
        timeoutMs,
        intervalMs: 200,
        explain: () => this.explain(node),
      });
    }));
  }

  /** Installs the built project with what it needs at run time into the guests that are on. */
  async deploy(): Promise<void> {
    const archive = join(this.folder, 'project.tar');
    if (!existsSync(archive)) await packProject(archive);
    const on = this.nodes.filter((node) => node.pid !== null);
    await Promise.all(on.map(async (node) => {
      await node.unpack(archive, DEPLOY_PATH);
      // A power-off forgets what is only in the memory of the guest.
      await node.exec('sync');
    }));
    this.#progress('deployed');
  }

  /** What is known about a node that does not do as it should: services, their log, console. */
  async explain(node: Guest): Promise<string> {
    const command = 'corosync-quorumtool -s; dlm_tool status; dlm_tool ls; uptime; ' +
      'journalctl --no-pager -n 60 -u corosync -u dlm -t fence_holdfast_lab -k';
    try {
      const { stdout, stderr } = await node.attempt(command);
      return `--- ${node.name}\n${stdout}${stderr}${node.consoleTail()}`;
    } catch (thrown) {
      return `--- ${node.name} cannot be asked: ${String(thrown)}\n${node.consoleTail()}`;
    }
  }

  /** Switches every guest off and removes everything; may be called twice. */
  async stop(): Promise<void> {
    try {
      await settleAll(this.nodes.map((node) => node.powerOff()));
    } finally {
      removeScratch(this.folder);
    }
  }
}

/** Builds the image when needed, boots three guests and configures them; nothing is started. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const progress = options.progress ?? ((): void => undefined);
  const image = await ensureImage(progress, options.flavour);
  progress(image.cached ? 'image from the cache' : 'image built');
  const accelerator = await chooseAccelerator(image);
  for (let attempt = 1; ; attempt++) {
    const lab = await createLab(options, image, accelerator);
    try {
      // All ports are taken when all monitors answer; before that, somebody may have been faster.
      await Promise.all(lab.nodes.map((node) => node.powerOn()));
    } catch (thrown) {
      await lab.stop();
      if (attempt < START_ATTEMPTS_MAX) continue;
      throw new LabError('BOOT_FAILED', `QEMU did not start in ${attempt} attempts`, thrown);
    }
    try {
      progress(`started with ${accelerator}`);
      await Promise.all(lab.nodes.map((node) => node.booted()));
      progress('booted');
      await Promise.all(lab.nodes.map((node) => configure(node, lab.fenceTargets, options)));
      return lab;
    } catch (thrown) {
      await lab.stop();
      throw thrown;
    }
  }
}

async function createLab(
  options: LabOptions,
  image: LabImage,
  accelerator: 'tcg' | 'kvm',
): Promise<Lab> {
  const folder = createScratch('lab');
  const run = randomBytes(4).toString('hex');
  const clusterNetwork = randomClusterNetwork();
  const ports = await findFreePorts(2 * SIZE);
  const targets: FenceTarget[] = [];
  const guests = Array.from({ length: SIZE }, (_, index) => {
    const nodeId = index + 1;
    const machine = `holdfast-${run}-n${nodeId}`;
    const [sshPort, fencePort] = [ports[2 * index] ?? 0, ports[2 * index + 1] ?? 0];
    targets.push({ nodeId, machine, port: fencePort });
    const memoryMiB = options.memoryMiB ?? MEMORY_MIB;
    return new Guest({
      nodeId, machine, image, accelerator, memoryMiB, clusterNetwork, sshPort, fencePort, folder,
    });
  });
  await Promise.all(guests.map((guest) => guest.createDisk()));
  return new Lab(guests, targets, folder, options.progress ?? ((): void => undefined));
}

async function configure(
  node: Guest,
  targets: readonly FenceTarget[],
  options: LabOptions,
): Promise<void> {
  const nodes = targets.map(({ nodeId }) => ({
    nodeId, name: `n${nodeId}`, address: `10.77.0.${nodeId}`,
  }));
  const tokenMs = options.tokenMs ?? 5_000;
  const corosync = corosyncConfigText({ clusterName: 'holdfast-lab', nodes, tokenMs, log: 'syslog' });
  await node.write('/etc/corosync/corosync.conf', corosync);
  await node.write('/etc/dlm/dlm.conf', dlmConfigText(targets));
  await node.write(FENCE_AGENT_PATH, FENCE_AGENT_TEXT, 0o755);
  // A power-off forgets what is only in the memory of the guest.
  await node.exec('sync');
}
