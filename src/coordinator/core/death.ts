import type { EffectCollector } from './effect.js';
import type { FencingFacts } from './fencing.js';
import { viewLastLock } from './lock-view.js';
import { viewPeer } from './node-view.js';
import type { Peer, State } from './state.js';
import type { LastManifest } from './view.js';

/** What fencing does about the nodes that are down; logged when that changes. */
export function onFencing(state: State, facts: FencingFacts | null, out: EffectCollector): void {
  const before = state.fencing;
  state.fencing = facts;
  for (const peer of state.peers.values()) {
    if (peer.state !== 'node-down') continue;
    if (stageOf(before, peer) === stageOf(facts, peer)) continue;
    const { note } = viewPeer(state, peer);
    if (note !== null) out.log('info', `${peer.name}: ${note}`);
  }
}

function stageOf(facts: FencingFacts | null, { nodeId }: Peer): string {
  if (facts === null) return 'unknown';
  if (!facts.enabled) return 'disabled';
  return facts.nodes.find((node) => node.nodeId === nodeId)?.fencing ?? 'none';
}

/**
 * The manifest that a node last told, kept when it is gone: what died with it. The node by its
 * name or its id; null for one that was never heard of.
 */
export function viewLastManifest(state: State, node: string): LastManifest | null {
  const peer = [...state.peers.values()].find(({ name, nodeId }) => {
    return name === node || String(nodeId) === node;
  });
  if (peer === undefined) return null;
  const locks = [...peer.entries.values()].map((entry) => viewLastLock(state, peer, entry));
  locks.sort((one, other) => (one.resource < other.resource ? -1 : 1));
  return { node: viewPeer(state, peer), manifestVersion: peer.manifestVersion, locks };
}
