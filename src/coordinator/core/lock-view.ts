import type { HandoverFacts } from './handover.js';
import { isoTime } from './iso-time.js';
import type { ManifestEntry } from './message.js';
import { areCompatible, type LockMode } from './mode.js';
import { manifestEntry, shownModes, shownState } from './own-locks.js';
import { isInQuestion } from './recheck-state.js';
import type { OwnLock, Peer, State } from './state.js';
import type { HandoverView, LockState, LockView } from './view.js';

/** One of our own locks for a reader. */
export function viewOwnLock(state: State, lock: OwnLock): LockView {
  const { resource, owner } = lock.facts;
  const shown = shownState(lock.phase) ?? 'taking';
  return {
    resource,
    lockspace: state.self.lockspace,
    ...shownModes(lock),
    state: shown,
    owner,
    node: { id: state.self.nodeId, name: state.self.nodeName },
    nodeState: state.group.kind === 'joined' ? 'synced' : 'daemon-down',
    generation: lock.generation,
    since: isoTime(lock.sinceMs),
    note: noteOnOwn(state, lock),
    ...viewHandover(state, lock.handover),
  };
}

function viewHandover(
  state: State,
  handover: HandoverFacts | null,
): { readonly handover?: HandoverView } {
  if (handover === null) return {};
  const { role, step, nodeId, since } = handover;
  const node = { id: nodeId, name: nameOfNode(state, nodeId) };
  return { handover: { role, step, node, since: isoTime(since) } };
}

/** What people call it; its number when it was never met. */
export function nameOfNode(state: State, nodeId: number): string {
  if (nodeId === state.self.nodeId) return state.self.nodeName;
  return state.peers.get(nodeId)?.name ?? `node ${nodeId}`;
}

function noteOnOwn(state: State, lock: OwnLock): string | null {
  const { kind } = lock.phase;
  if (kind === 'quarantined') return 'an orphan that no list explains; released only by hand';
  if (kind === 'parked') return 'will be asked for when the lockspace runs again';
  if (kind === 'gathered') return 'granted; is held when the rest of its set is granted too';
  if (isInQuestion(state, lock)) {
    return `is being checked against the kernel, after ${state.recheck?.why ?? 'a gap'}`;
  }
  if (state.standing.kind === 'isolated' && kind === 'held') {
    return `this node is isolated (${state.standing.reason}): nobody vouches for its locks now`;
  }
  return null;
}

/** One entry of a peer's last manifest as it told it, whatever has become of the node since. */
export function viewLastLock(state: State, peer: Peer, entry: ManifestEntry): LockView {
  return {
    resource: entry.resource,
    lockspace: entry.lockspace,
    mode: entry.mode,
    converting: entry.state === 'held' ? entry.converting : null,
    state: entry.state,
    owner: entry.owner,
    node: { id: peer.nodeId, name: peer.name },
    nodeState: peer.state,
    generation: entry.generation,
    since: isoTime(entry.since),
    note: noteOnPeer(peer),
    ...viewHandover(state, entry.handover ?? null),
  };
}

/** One entry of a peer's last manifest, or null when it no longer stands for anything. */
export function viewPeerLock(state: State, peer: Peer, entry: ManifestEntry): LockView | null {
  const shown = peerLockState(peer, entry);
  if (shown === null) return null;
  const converting = shown === 'held' ? entry.converting : null;
  return { ...viewLastLock(state, peer, entry), converting, state: shown };
}

/** A waiting request dies with its daemon; a held lock does not. */
function peerLockState(peer: Peer, entry: ManifestEntry): LockState | null {
  const waits = entry.state === 'waiting' || entry.state === 'taking';
  switch (peer.state) {
    case 'joining':
    case 'synced':
    case 'stale':
      return entry.state === 'lost' ? null : entry.state;
    case 'left':
      return peer.goodbye?.keepsLocks === true && !waits ? 'orphaned' : null;
    case 'daemon-down':
      return waits ? null : 'orphaned';
    case 'node-down':
      return waits ? null : entry.state;
    case 'recovered':
      return null;
    default:
      return peer.state satisfies never;
  }
}

function noteOnPeer(peer: Peer): string | null {
  switch (peer.state) {
    case 'daemon-down':
      return `the daemon on ${peer.name} is down, but its lock holds`;
    case 'left':
      return `the daemon on ${peer.name} was stopped and keeps its lock as an orphan`;
    case 'node-down':
      return `${peer.name} is down; its lock holds until DLM has recovered without it`;
    case 'joining':
    case 'stale':
      return `what ${peer.name} holds is being asked for anew; this is its last known word`;
    case 'recovered':
      return `${peer.name} is dead, and its lock has ended with it`;
    case 'synced':
      return null;
    default:
      return peer.state satisfies never;
  }
}

/** All locks that this node knows of, ordered by resource, then node. */
export function viewLocks(state: State): readonly LockView[] {
  const views: LockView[] = [];
  for (const lock of state.locks.values()) {
    if (shownState(lock.phase) !== null) views.push(viewOwnLock(state, lock));
  }
  for (const peer of state.peers.values()) {
    for (const entry of peer.entries.values()) {
      const view = viewPeerLock(state, peer, entry);
      if (view !== null) views.push(view);
    }
  }
  return views.sort(byResourceThenNode);
}

function byResourceThenNode(one: LockView, other: LockView): number {
  if (one.resource !== other.resource) return one.resource < other.resource ? -1 : 1;
  return one.node.id - other.node.id;
}

/** Who, as far as is known, keeps this mode of the resource from being granted. */
export function findHolders(
  state: State,
  resource: string,
  mode: LockMode,
  except: number | null,
): readonly LockView[] {
  const holders: LockView[] = [];
  for (const id of state.idsByResource.get(resource) ?? []) {
    const lock = state.locks.get(id);
    if (lock === undefined || id === except) continue;
    if (manifestEntry(state, lock) === null) continue;
    const view = viewOwnLock(state, lock);
    holders.push(lock.phase.kind === 'gathered' ? { ...view, state: 'held' } : view);
  }
  for (const peer of state.peers.values()) {
    for (const entry of peer.entries.on(resource)) {
      const view = viewPeerLock(state, peer, entry);
      if (view !== null) holders.push(view);
    }
  }
  return holders.filter((view) => isInTheWay(view, mode)).sort(byResourceThenNode);
}

function isInTheWay(view: LockView, mode: LockMode): boolean {
  const holds = view.state !== 'waiting' && view.state !== 'taking' && view.state !== 'lost';
  return holds && !areCompatible(view.mode, mode);
}
