import { isoTime } from './iso-time.js';
import { noteOnNode, nodeWarnings } from './node-note.js';
import { manifestEntry, shownState } from './own-locks.js';
import { OWN_PROTOCOLS } from './protocol-range.js';
import { isQuarantined, quarantineWarnings } from './quarantine.js';
import type { Peer, State } from './state.js';
import type { NodeView, StatusView } from './view.js';

/** A peer as it is shown. */
export function viewPeer(state: State, peer: Peer): NodeView {
  return {
    id: peer.nodeId,
    name: peer.name,
    self: false,
    state: peer.state,
    since: isoTime(peer.sinceMs),
    incarnation: peer.incarnation,
    bootId: peer.bootId,
    locks: peer.entries.size,
    protocol: peer.protocol,
    note: noteOnNode(state, peer),
  };
}

function viewSelf(state: State): NodeView {
  let locks = 0;
  for (const lock of state.locks.values()) if (manifestEntry(state, lock) !== null) locks += 1;
  return {
    id: state.self.nodeId,
    name: state.self.nodeName,
    self: true,
    state: state.group.kind === 'joined' ? 'synced' : 'daemon-down',
    since: isoTime(state.selfSinceMs),
    incarnation: state.self.incarnation,
    bootId: state.self.bootId,
    locks,
    protocol: OWN_PROTOCOLS,
    note: null,
  };
}

/** All nodes that were ever heard of, by id. */
export function viewNodes(state: State): readonly NodeView[] {
  const nodes = [viewSelf(state), ...peersOf(state)];
  return nodes.sort((one, other) => one.id - other.id);
}

function peersOf(state: State): readonly NodeView[] {
  return [...state.peers.values()].map((peer) => viewPeer(state, peer));
}

/** What the core knows of it; the shell adds what only it remembers. */
export function viewStatus(state: State): Omit<StatusView, 'lost' | 'fencingHints'> {
  const locks = { held: 0, waiting: 0, other: 0, quarantined: 0 };
  for (const lock of state.locks.values()) {
    const shown = shownState(lock.phase);
    if (shown === 'held') locks.held += 1;
    else if (shown === 'waiting') locks.waiting += 1;
    else if (shown !== null) locks.other += 1;
    if (isQuarantined(lock)) locks.quarantined += 1;
  }
  const { self, quorum } = state;
  return {
    node: { id: self.nodeId === 0 ? null : self.nodeId, name: self.nodeName },
    incarnation: self.incarnation,
    bootId: self.bootId,
    version: self.softwareVersion,
    lockspace: self.lockspace,
    group: self.group,
    standing: state.standing,
    quorate: quorum === null ? null : quorum.quorate,
    quorumNodes: quorum === null ? [] : quorum.nodeIds,
    locks,
    warnings: [
      ...state.warnings.values(),
      ...quarantineWarnings(locks.quarantined),
      ...nodeWarnings(state),
    ],
    counters: Object.fromEntries(state.counters),
  };
}
