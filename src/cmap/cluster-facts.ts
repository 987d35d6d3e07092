import { CmapError } from './error.js';
import type { Cmap, CmapEntry, CmapTypes, CmapValueType } from './port.js';
import { wrongType } from './map-errors.js';

/** One node as the node list of corosync.conf has it. */
export interface ConfiguredNode {
  readonly nodeId: number;
  /** Null when corosync.conf gives it none. */
  readonly name: string | null;
  /** ring0_addr to ring7_addr as configured, addresses or host names; link 0 first. */
  readonly addresses: readonly string[];
}

export interface ClusterFacts {
  /** Null when corosync.conf gives the cluster no name. */
  readonly clusterName: string | null;
  /** Ascending by node id. */
  readonly nodes: readonly ConfiguredNode[];
  /** This node's own id, or null when the node list does not say who this node is. */
  readonly localNodeId: number | null;
  /** Silence after which a token counts as lost, as corosync works with it, in ms. */
  readonly tokenMs: number;
  /** How long the nodes then take to agree on a new ring, in ms. */
  readonly consensusMs: number;
}

/**
 * Reads what the running corosync goes by: the node list, the cluster's name, and the times after
 * which a dead node is noticed (their sum, at the least).
 *
 * A reload of corosync.conf between two reads may mix old and new. Rejects with CmapError
 * `NOT_EXIST` and `WRONG_TYPE`, with the key, when the map is not as corosync 3 makes it.
 * @see cmap_keys(7), corosync.conf(5)
 */
export async function readClusterFacts(cmap: Cmap): Promise<ClusterFacts> {
  const entries = await cmap.entries('nodelist.');
  const byPosition = nodesOf(entries);
  const position = optional(entries, 'nodelist.local_node_pos', 'uint32');
  return {
    clusterName: await optionally(() => cmap.getAs('totem.cluster_name', 'string')),
    nodes: [...byPosition.values()].sort((a, b) => a.nodeId - b.nodeId),
    localNodeId: position === null ? null : byPosition.get(position)?.nodeId ?? null,
    tokenMs: await cmap.getAs('runtime.config.totem.token', 'uint32'),
    consensusMs: await cmap.getAs('runtime.config.totem.consensus', 'uint32'),
  };
}

/** corosync has 8 links at most. @see INTERFACE_MAX */
const LINKS_MAX = 8;

function nodesOf(entries: readonly CmapEntry[]): ReadonlyMap<number, ConfiguredNode> {
  const nodes = new Map<number, ConfiguredNode>();
  for (const { key } of entries) {
    const position = /^nodelist\.node\.(\d+)\./.exec(key)?.[1];
    if (position === undefined || nodes.has(Number(position))) continue;
    const prefix = `nodelist.node.${position}`;
    const nodeId = optional(entries, `${prefix}.nodeid`, 'uint32');
    if (nodeId === null) {
      const text = `${prefix}.nodeid: there is no such key; give every node of corosync.conf one`;
      throw new CmapError('NOT_EXIST', 'readClusterFacts', text, { key: `${prefix}.nodeid` });
    }
    const addresses = Array.from({ length: LINKS_MAX }, (_, link) =>
      optional(entries, `${prefix}.ring${link}_addr`, 'string'));
    nodes.set(Number(position), {
      nodeId,
      name: optional(entries, `${prefix}.name`, 'string'),
      addresses: addresses.filter((one) => one !== null),
    });
  }
  return nodes;
}

function optional<Type extends CmapValueType>(
  entries: readonly CmapEntry[], key: string, type: Type,
): CmapTypes[Type] | null {
  const value = entries.find((entry) => entry.key === key)?.value;
  if (value === undefined) return null;
  if (value.type !== type) throw wrongType(key, value.type, type);
  return value.value as CmapTypes[Type];
}

async function optionally<Value>(read: () => Promise<Value>): Promise<Value | null> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof CmapError && thrown.code === 'NOT_EXIST') return null;
    throw thrown;
  }
}
