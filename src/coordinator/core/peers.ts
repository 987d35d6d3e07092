import type { EffectCollector } from './effect.js';
import { meetView } from './epoch.js';
import type { CoreEvent, GroupMember, LeaveReason } from './event.js';
import { closeEpoch } from './generations.js';
import { isoTime } from './iso-time.js';
import { PEERS_MAX } from './limits.js';
import { Manifest } from './manifest.js';
import { sayHello } from './manifest-sender.js';
import type { Ring } from './message.js';
import { viewPeer } from './node-view.js';
import { isPresent } from './peer-state.js';
import { noteGap } from './recheck.js';
import { count, type Peer, type QuorumNews, type State } from './state.js';
import type { PeerState } from './view.js';

type ViewEvent = Extract<CoreEvent, { kind: 'view' }>;

/** Our own connection stands and the join is under way; the first view comes next. */
export function onGroupJoining(state: State, self: GroupMember): void {
  state.group = { kind: 'joining', self, ring: null };
  state.self.nodeId = self.nodeId;
}

/**
 * A configuration change. The member list is the authority; `left` only says why. Whoever
 * joined, a healed partition's other half included, is asked for its manifest afresh: two pasts
 * are never united.
 */
export function onView(state: State, event: ViewEvent, out: EffectCollector): void {
  const { group } = state;
  if (group.kind === 'away') return;
  const first = group.kind === 'joining';
  const before = first ? [] : group.members;
  if (!event.members.some((member) => isSame(member, group.self))) {
    onGroupLost(state, 'corosync has dropped this daemon from its group', out);
    return;
  }
  if (first) state.selfSinceMs = state.wallMs;
  const gap = gapIn(event, group.self, first && state.life.kind !== 'starting');
  state.group = { ...group, kind: 'joined', members: event.members };
  meetView(state, event, before);
  warnOfSecondDaemon(state, event, group.self);
  if (first && state.life.kind === 'starting') state.life = { kind: 'running' };
  const present = new Set(event.members.map((member) => member.nodeId));
  for (const gone of event.left) {
    // A stranger's going says nothing of the daemon on its node.
    if (state.peers.get(gone.nodeId)?.pid === gone.pid) leave(state, gone.nodeId, gone.reason, out);
  }
  const joined = first ? event.members : whoJoined(state, event, group.self);
  for (const member of joined) join(state, member, group.self, out);
  for (const peer of state.peers.values()) {
    // Nobody said why it is missing: whether its node is gone, the quorum service will tell.
    if (!present.has(peer.nodeId)) leave(state, peer.nodeId, 'undefined', out);
  }
  if (gap !== null) noteGap(state, gap, out);
  // After a change of nodes a ring event follows at once, and the hello belongs to that ring.
  const ringFollows = [...event.left, ...event.joined].some(
    ({ reason }) => reason === 'nodedown' || reason === 'nodeup',
  );
  if (!ringFollows && joined.length > 0) sayHello(state, out);
}

/**
 * What this node has missed, if anything. Who was cut off or paused sees the others come back, as
 * they see it: no view tells on whose side the gap was.
 */
function gapIn(event: ViewEvent, self: GroupMember, isReturn: boolean): string | null {
  if (isReturn) return 'this daemon had lost its group';
  const isMerge = event.joined.some(({ nodeId, reason }) => {
    return nodeId !== self.nodeId && reason === 'nodeup';
  });
  return isMerge ? 'parts of the cluster that had lost each other met again' : null;
}

/** Those who were announced, and every other member that is not known as one yet. */
function whoJoined(state: State, event: ViewEvent, self: GroupMember): readonly GroupMember[] {
  return event.members.filter((member) => {
    if (member.nodeId === self.nodeId) return isSame(member, self) && isAnnounced(event, member);
    const peer = state.peers.get(member.nodeId);
    if (peer?.ghostPid === member.pid) return isAnnounced(event, member);
    if (peer === undefined || !isPresent(peer.state)) return true;
    if (peer.pid === member.pid) return isAnnounced(event, member);
    // Beside a daemon that is there: a stranger, until it says hello.
    const heard = { nodeId: peer.nodeId, pid: peer.pid ?? 0 };
    return !event.members.some((other) => isSame(other, heard));
  });
}

/** Another process of a node says hello: it is the daemon there from now on. */
export function succeed(state: State, from: GroupMember, out: EffectCollector): void {
  if (state.group.kind !== 'joined') return;
  join(state, from, state.group.self, out);
  // It waits for what everyone knows of generations.
  sayHello(state, out);
}

function isAnnounced(event: ViewEvent, member: GroupMember): boolean {
  return event.joined.some((one) => isSame(one, member));
}

/** One daemon per node: two would adopt and release each other's locks. */
function warnOfSecondDaemon(state: State, event: ViewEvent, self: GroupMember): void {
  const other = event.members.find(
    (member) => member.nodeId === self.nodeId && member.pid !== self.pid,
  );
  if (other === undefined) state.warnings.delete('second-daemon');
  else {
    const text = `process ${other.pid} of this node is in the group too: stop one of the daemons`;
    state.warnings.set('second-daemon', text);
  }
}

function isSame(one: GroupMember, other: GroupMember): boolean {
  return one.nodeId === other.nodeId && one.pid === other.pid;
}

/** A new ring: everybody says hello in it, since messages of an older one are dropped. */
export function onRing(state: State, ring: Ring, out: EffectCollector): void {
  if (state.group.kind === 'away') return;
  state.group = { ...state.group, ring };
  state.snapshotSentMs = null;
  if (state.group.kind === 'joined') sayHello(state, out);
}

/** `* -> joining`. Its last manifest stays readable until the new one has arrived. */
export function join(
  state: State,
  member: GroupMember,
  self: GroupMember,
  out: EffectCollector,
): void {
  if (member.nodeId === self.nodeId) return;
  const peer = findOrAddPeer(state, member.nodeId, out);
  if (peer === null) return;
  peer.pid = member.pid;
  peer.assembly = null;
  peer.requestedMs = null;
  peer.nodeDownMs = null;
  peer.inherited.clear();
  peer.protocol = null;
  peer.joinedMs = state.monotonicMs;
  peer.heardMs = null;
  peer.missingMs = null;
  peer.ghostPid = null;
  peer.isSilenceTold = false;
  // What is proven to be gone must not seem to be held again until the new manifest is there.
  const isGone = peer.state === 'left' && peer.goodbye?.keepsLocks === false;
  if (peer.state === 'recovered' || isGone) peer.entries = new Manifest();
  peer.goodbye = null;
  // Not the incarnation's own word any more: a hello that matches will say whether it still is.
  peer.manifestVersion = 0;
  setPeerState(state, peer, 'joining', out);
}

function findOrAddPeer(state: State, nodeId: number, out: EffectCollector): Peer | null {
  const known = state.peers.get(nodeId);
  if (known !== undefined) return known;
  if (state.peers.size >= PEERS_MAX) {
    count(state, 'peers_refused');
    out.log('error', `node ${nodeId} is ignored: ${PEERS_MAX} peers are known already`);
    return null;
  }
  const peer = newPeer(state, nodeId);
  state.peers.set(nodeId, peer);
  return peer;
}

function newPeer(state: State, nodeId: number): Peer {
  return {
    nodeId,
    name: `node ${nodeId}`,
    state: 'daemon-down',
    sinceMs: state.wallMs,
    pid: null,
    incarnation: null,
    bootId: null,
    seq: 0,
    manifestVersion: 0,
    entries: new Manifest(),
    assembly: null,
    requestedMs: null,
    goodbye: null,
    nodeDownMs: null,
    inherited: new Set(),
    protocol: null,
    joinedMs: state.monotonicMs,
    heardMs: null,
    missingMs: null,
    ghostPid: null,
    isSilenceTold: false,
  };
}

/** `joining | synced | stale -> left | daemon-down | node-down`. */
export function leave(
  state: State,
  nodeId: number,
  reason: LeaveReason,
  out: EffectCollector,
): void {
  const peer = state.peers.get(nodeId);
  if (peer === undefined) return;
  peer.pid = null;
  peer.assembly = null;
  peer.requestedMs = null;
  if (reason === 'nodedown') markNodeDown(state, peer, out);
  else if (isPresent(peer.state)) setPeerState(state, peer, peer.goodbye === null ? 'daemon-down' : 'left', out);
}

function markNodeDown(state: State, peer: Peer, out: EffectCollector): void {
  if (peer.state === 'node-down' || peer.state === 'recovered') return;
  peer.nodeDownMs = state.monotonicMs;
  setPeerState(state, peer, 'node-down', out);
}

/** Enters a peer's state and tells whoever watches. */
export function setPeerState(
  state: State,
  peer: Peer,
  now: PeerState,
  out: EffectCollector,
): void {
  if (peer.state === now) return;
  const before = peer.state;
  peer.state = now;
  peer.sinceMs = state.wallMs;
  out.tell({ at: isoTime(state.wallMs), type: 'node', node: viewPeer(state, peer) });
  out.log(now === 'synced' ? 'info' : 'warn', `${peer.name}: ${before} -> ${now}`);
}

/**
 * The quorum service's word on nodes. It is how the death of a node is noticed whose daemon had
 * gone before, and it knows nodes that have no daemon at all.
 */
export function onQuorum(state: State, news: QuorumNews, out: EffectCollector): void {
  const isRegained = state.quorum?.quorate === false && news.quorate;
  const { nodeIds } = news;
  state.quorum = news;
  if (isRegained) noteGap(state, 'this node had been without quorum', out);
  if (state.group.kind !== 'joined') return;
  for (const nodeId of nodeIds) {
    if (nodeId !== state.self.nodeId) findOrAddPeer(state, nodeId, out);
  }
  for (const peer of state.peers.values()) {
    const away = peer.state === 'daemon-down' || peer.state === 'left';
    if (away && !nodeIds.includes(peer.nodeId)) markNodeDown(state, peer, out);
  }
}

/**
 * `node-down -> recovered`: the lockspace runs without the node. DLM lets that happen only after
 * fencing, so this, and nothing CPG says, is the proof that its locks are gone. An answer to a
 * question from before the node went proves nothing.
 */
export function markRecovered(state: State, askedMs: number, out: EffectCollector): void {
  const { condition } = state;
  if (condition.kind !== 'running') return;
  for (const peer of state.peers.values()) {
    if (peer.state !== 'node-down' || condition.members.includes(peer.nodeId)) continue;
    if (peer.nodeDownMs === null || askedMs < peer.nodeDownMs) continue;
    setPeerState(state, peer, 'recovered', out);
  }
}

/** `* -> away`: without corosync nothing new is heard of anybody. */
export function onGroupLost(state: State, reason: string, out: EffectCollector): void {
  if (state.group.kind === 'joined') state.selfSinceMs = state.wallMs;
  closeEpoch(state.generations, state.monotonicMs);
  state.group = { kind: 'away', reason };
  state.snapshotSentMs = null;
  for (const peer of state.peers.values()) {
    peer.assembly = null;
    peer.requestedMs = null;
    if (peer.state === 'synced' || peer.state === 'joining') setPeerState(state, peer, 'stale', out);
  }
}
