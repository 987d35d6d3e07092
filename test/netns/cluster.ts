import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { LabError } from '../lab/host/error.js';
import { createScratch, removeScratch } from '../lab/host/scratch.js';
import { settleAll } from '../lab/host/settle.js';
import { waitUntil } from '../lab/host/wait.js';
import { type ClusterNode, corosyncConfigText } from './corosync-config.js';
import { Namespace } from './namespace.js';
import { NetnsNode } from './node.js';

const NODES_MAX = 16;
const READY_TIMEOUT_MS = 30_000;

export interface NetnsOptions {
  /** How many nodes; 3 unless said. */
  readonly size?: number;
  /** 500 unless said: a dead node is noticed after about 1.1 s. Less was flaky. */
  readonly tokenMs?: number;
}

/**
 * Real corosyncs on one machine, each in a network and mount namespace of its own, joined by a
 * bridge in a namespace of its own too, so that nothing of it shows on the host. Needs root and
 * corosync; there is no DLM here. Call `down` in a `finally` or an `afterEach.always`; what is
 * forgotten dies with the thread that made it.
 */
export class NetnsCluster {
  readonly nodes: readonly NetnsNode[];
  readonly #bridge: Namespace;
  readonly #folder: string;

  private constructor(nodes: readonly NetnsNode[], bridge: Namespace, folder: string) {
    this.nodes = nodes;
    this.#bridge = bridge;
    this.#folder = folder;
  }

  /** Makes the nodes, starts every corosync and waits until all of them are quorate. */
  static async up(options: NetnsOptions = {}): Promise<NetnsCluster> {
    const cluster = await NetnsCluster.create(options);
    try {
      for (const node of cluster.nodes) node.start();
      await cluster.ready();
      return cluster;
    } catch (thrown) {
      await cluster.down();
      throw thrown;
    }
  }

  /** Makes the nodes and starts nothing. */
  static async create(options: NetnsOptions = {}): Promise<NetnsCluster> {
    const members = clusterNodes(options.size ?? 3);
    const folder = createScratch('netns');
    const config = corosyncConfigText({
      clusterName: 'holdfast-test',
      nodes: members,
      tokenMs: options.tokenMs ?? 500,
      log: 'stderr',
    });
    writeFileSync(join(folder, 'corosync.conf'), config);
    const made: Namespace[] = [];
    try {
      const bridge = await createBridge();
      made.push(bridge);
      const nodes: NetnsNode[] = [];
      for (const member of members) {
        const namespace = await Namespace.create();
        made.push(namespace);
        await plug(bridge, namespace, member);
        nodes.push(new NetnsNode(member, namespace, folder));
      }
      return new NetnsCluster(nodes, bridge, folder);
    } catch (thrown) {
      await settleAll(made.map((namespace) => namespace.close()));
      removeScratch(folder);
      throw thrown;
    }
  }

  /** Node `index`, counted from 1 as node ids are. */
  node(index: number): NetnsNode {
    const node = this.nodes[index - 1];
    if (node === undefined) throw new RangeError(`there is no node ${index} in this cluster`);
    return node;
  }

  /** Waits until the given nodes (all unless said) are quorate and see exactly each other. */
  async ready(indexes: readonly number[] = this.nodes.map((_, index) => index + 1)): Promise<void> {
    for (const index of indexes) {
      const node = this.node(index);
      await waitUntil(() => isQuorate(node, indexes.length), {
        what: `${node.node.name} to be quorate with ${indexes.length} nodes`,
        timeoutMs: READY_TIMEOUT_MS,
        explain: () => node.logTail(),
      });
    }
  }

  /** Pulls the cable of a node. */
  async cut(index: number): Promise<void> {
    await this.#setPort(index, 'down');
  }

  /** Puts the cable back. */
  async heal(index: number): Promise<void> {
    await this.#setPort(index, 'up');
  }

  /** Ends every process on every node and removes everything; may be called twice. */
  async down(): Promise<void> {
    try {
      await settleAll([...this.nodes.map((node) => node.close()), this.#bridge.close()]);
    } finally {
      removeScratch(this.#folder);
    }
  }

  async #setPort(index: number, state: 'up' | 'down'): Promise<void> {
    const port = portName(this.node(index).node);
    await this.#bridge.run('ip', ['link', 'set', port, state]);
  }
}

function clusterNodes(size: number): ClusterNode[] {
  if (!Number.isInteger(size) || size < 1 || size > NODES_MAX) {
    throw new RangeError(`a cluster of ${size} nodes: 1 to ${NODES_MAX} are possible`);
  }
  return Array.from({ length: size }, (_, index) => {
    const nodeId = index + 1;
    return { nodeId, name: `n${nodeId}`, address: `10.77.0.${nodeId}` };
  });
}

async function createBridge(): Promise<Namespace> {
  const bridge = await Namespace.create();
  const kind = ['type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0'];
  try {
    await bridge.run('ip', ['link', 'add', 'bridge0', ...kind]);
    await bridge.run('ip', ['link', 'set', 'bridge0', 'up']);
  } catch (thrown) {
    await bridge.close();
    throw thrown;
  }
  return bridge;
}

async function plug(bridge: Namespace, node: Namespace, member: ClusterNode): Promise<void> {
  const port = portName(member);
  const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', String(node.pid)];
  await bridge.run('ip', ['link', 'add', port, ...peer]);
  await bridge.run('ip', ['link', 'set', port, 'master', 'bridge0', 'up']);
  await node.run('ip', ['link', 'set', 'lo', 'up']);
  await node.run('ip', ['link', 'set', 'eth0', 'up']);
  await node.run('ip', ['address', 'add', `${member.address}/24`, 'dev', 'eth0']);
}

function portName(node: ClusterNode): string {
  return `port${node.nodeId}`;
}

async function isQuorate(node: NetnsNode, size: number): Promise<boolean> {
  if (node.corosyncPid === null) {
    throw new LabError('GONE', `corosync of ${node.node.name} has ended:\n${node.logTail()}`);
  }
  const { stdout } = await node.attempt('corosync-quorumtool', ['-s']);
  return /^Quorate: +Yes/m.test(stdout) && new RegExp(`^Total votes: +${size}$`, 'm').test(stdout);
}
