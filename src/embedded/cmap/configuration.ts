import type { CmapValue } from '../../cmap/port.js';
import type { NodeOptions } from '../options.js';
import type { ConfigMap } from './config-map.js';

/** What corosync.conf would say of the embedded cluster. */
export interface Configuration {
  readonly clusterName: string;
  readonly nodes: readonly NodeOptions[];
  /** From a node's silence to the ring without it: token and consensus together. */
  readonly detectionMs: number;
}

/** Fills the map of a node whose corosync starts, under the keys of a real one. */
export function configure(map: ConfigMap, nodeId: number, configuration: Configuration): void {
  const { clusterName, nodes, detectionMs } = configuration;
  map.put('totem.version', uint32(2));
  map.put('totem.cluster_name', string(clusterName));
  map.put('totem.transport', string('knet'));
  map.put('quorum.provider', string('corosync_votequorum'));
  map.put('nodelist.local_node_pos', uint32(nodes.findIndex(({ id }) => id === nodeId)));
  for (const [position, { id, name }] of nodes.entries()) {
    map.put(`nodelist.node.${position}.nodeid`, uint32(id));
    map.put(`nodelist.node.${position}.name`, string(name));
    // Nothing listens anywhere; a host name is an address, too.
    map.put(`nodelist.node.${position}.ring0_addr`, string(name));
  }
  // As corosync derives one from the other: consensus = 1.2 x token.
  const tokenMs = Math.floor(detectionMs / 2.2);
  map.put('runtime.config.totem.token', uint32(tokenMs));
  map.put('runtime.config.totem.consensus', uint32(detectionMs - tokenMs));
  map.put('runtime.votequorum.this_node_id', uint32(nodeId));
  map.put('runtime.votequorum.two_node', { type: 'uint8', value: 0 });
}

/** Writes down who has entered and left the ring; `before` is the ring that it follows. */
export function recordRing(
  map: ConfigMap, { nodeIds }: { readonly nodeIds: readonly number[] }, before: readonly number[],
): void {
  for (const id of before) {
    if (!nodeIds.includes(id)) map.put(`runtime.members.${id}.status`, string('left'));
  }
  for (const id of nodeIds) if (!before.includes(id)) recordJoin(map, id);
  map.put('runtime.votequorum.lowest_node_id', uint32(Math.min(...nodeIds)));
  map.put('runtime.votequorum.highest_node_id', uint32(Math.max(...nodeIds)));
}

function recordJoin(map: ConfigMap, id: number): void {
  const member = `runtime.members.${id}`;
  const joins = map.get(`${member}.join_count`);
  const count = joins?.type === 'uint32' ? joins.value : 0;
  map.put(`${member}.ip`, string(`r(0) ip(node ${id}) `));
  map.put(`${member}.join_count`, uint32(count + 1));
  map.put(`${member}.status`, string('joined'));
  map.put(`${member}.config_version`, { type: 'uint64', value: 0n });
}

function uint32(value: number): CmapValue {
  return { type: 'uint32', value };
}

function string(value: string): CmapValue {
  return { type: 'string', value };
}
