import { hearGenerations } from './claims.js';
import type { EffectCollector } from './effect.js';
import type { GroupMember } from './event.js';
import { isoTime } from './iso-time.js';
import {
  PEER_ENTRIES_MAX, REQUEST_RETRY_MS, SENDERS_COMPLAINED_MAX, SNAPSHOT_PARTS_MAX,
} from './limits.js';
import { viewPeerLock } from './lock-view.js';
import { Manifest } from './manifest.js';
import { canSend, sayHello, sendSnapshotOnRequest } from './manifest-sender.js';
import { isSameEntry } from './own-locks.js';
import type { Envelope, ManifestEntry, MessageBody, Ring } from './message.js';
import { noticeOvertaken } from './overtaken.js';
import { setPeerState, succeed } from './peers.js';
import { count, type Peer, type State } from './state.js';

type Hello = Extract<MessageBody, { kind: 'hello' }>;
type Snapshot = Extract<MessageBody, { kind: 'snapshot' }>;
type Delta = Extract<MessageBody, { kind: 'delta' }>;

/** One message of the group, in its order. What cannot be trusted is counted and dropped. */
export function onMessage(
  state: State,
  from: GroupMember,
  envelope: Envelope,
  out: EffectCollector,
): void {
  if (state.group.kind !== 'joined') return;
  if (envelope.nodeId === from.nodeId) hearGenerations(state, from, envelope);
  if (from.nodeId === state.self.nodeId) {
    if (envelope.incarnation === state.self.incarnation) onOwnEcho(state, envelope.body);
    else if (envelope.body.kind === 'hello') greetNamesake(state, from, out);
    return;
  }
  if (envelope.nodeId !== from.nodeId) {
    onGarbage(state, from, `it claims to come from node ${envelope.nodeId}`, out);
    return;
  }
  if (!isSameRing(envelope.ring, state.group.ring)) {
    count(state, 'messages_of_another_ring');
    return;
  }
  const peer = state.peers.get(from.nodeId);
  if (peer === undefined || !mayBeHeard(state.group.members, peer, from, envelope)) {
    count(state, 'messages_of_non_members');
    return;
  }
  if (peer.pid !== from.pid) succeed(state, from, out);
  if (!advance(peer, envelope)) {
    count(state, 'messages_repeated');
    return;
  }
  peer.heardMs = state.monotonicMs;
  peer.protocol = { min: envelope.protocolMin, max: envelope.protocolMax };
  receive(state, peer, envelope.body, out);
}

/** Members only; and beside a node's daemon nobody is taken for it without a hello. */
function mayBeHeard(
  members: readonly GroupMember[],
  peer: Peer,
  from: GroupMember,
  { body }: Envelope,
): boolean {
  if (peer.pid !== from.pid && body.kind !== 'hello') return false;
  return members.some(({ nodeId, pid }) => nodeId === from.nodeId && pid === from.pid);
}

function isSameRing(one: Ring, other: Ring | null): boolean {
  return other !== null && one.nodeId === other.nodeId && one.seq === other.seq;
}

/** Another daemon of this node: it must hear that there is one, since the second gives way. */
function greetNamesake(state: State, { pid }: GroupMember, out: EffectCollector): void {
  if (state.greetedPid === pid) return;
  state.greetedPid = pid;
  sayHello(state, out);
}

function onOwnEcho(state: State, body: MessageBody): void {
  if (body.kind === 'snapshot' && body.part === body.parts - 1) state.snapshotSentMs = null;
}

/** Takes up the incarnation and its sequence; false for a message that was seen before. */
function advance(peer: Peer, envelope: Envelope): boolean {
  if (peer.incarnation === envelope.incarnation) {
    if (envelope.seq <= peer.seq) return false;
  } else {
    peer.incarnation = envelope.incarnation;
    peer.manifestVersion = 0;
    peer.assembly = null;
    peer.requestedMs = null;
  }
  peer.seq = envelope.seq;
  return true;
}

function receive(state: State, peer: Peer, body: MessageBody, out: EffectCollector): void {
  switch (body.kind) {
    case 'hello':
      onHello(state, peer, body, out);
      break;
    case 'snapshot':
      onSnapshot(state, peer, body, out);
      break;
    case 'delta':
      onDelta(state, peer, body, out);
      break;
    case 'digest':
      compare(state, peer, body.manifestVersion, body.digest, out);
      break;
    case 'request':
      if (body.nodeId === state.self.nodeId) sendSnapshotOnRequest(state, out);
      break;
    case 'goodbye':
      peer.goodbye = { keepsLocks: body.keepsLocks };
      break;
    case 'floor':
    case 'claim':
      // Heard before the rules of manifests were asked.
      break;
    case 'unknown':
      count(state, 'messages_of_unknown_type');
      break;
    default:
      body satisfies never;
  }
}

function onHello(state: State, peer: Peer, hello: Hello, out: EffectCollector): void {
  peer.name = hello.nodeName;
  peer.bootId = hello.bootId;
  peer.goodbye = null;
  compare(state, peer, hello.manifestVersion, hello.digest, out);
}

/** `-> synced` when what we have is what the author has; otherwise asks for the whole. */
function compare(
  state: State,
  peer: Peer,
  version: number,
  digest: string,
  out: EffectCollector,
): void {
  if (peer.manifestVersion === version && peer.entries.digest === digest) {
    peer.requestedMs = null;
    setPeerState(state, peer, 'synced', out);
    return;
  }
  becomeStale(state, peer, out);
}

/** `synced -> stale`; a peer that is still joining stays so. Asks unless it was just asked. */
function becomeStale(state: State, peer: Peer, out: EffectCollector): void {
  if (peer.state === 'synced') setPeerState(state, peer, 'stale', out);
  if (peer.requestedMs === null || state.monotonicMs - peer.requestedMs >= REQUEST_RETRY_MS) {
    ask(state, peer, out);
  }
}

function ask(state: State, peer: Peer, out: EffectCollector): void {
  if (!canSend(state)) return;
  peer.requestedMs = state.monotonicMs;
  out.send({ kind: 'request', nodeId: peer.nodeId });
}

/** Repeats the requests that nobody answered. */
export function repeatRequests(state: State, out: EffectCollector): void {
  for (const peer of state.peers.values()) {
    if (peer.requestedMs === null || peer.pid === null) continue;
    if (state.monotonicMs - peer.requestedMs >= REQUEST_RETRY_MS) ask(state, peer, out);
  }
}

function onSnapshot(state: State, peer: Peer, body: Snapshot, out: EffectCollector): void {
  const { manifestVersion, part, parts } = body;
  if (parts < 1 || parts > SNAPSHOT_PARTS_MAX || part >= parts) {
    count(state, 'snapshots_refused');
    return;
  }
  // Somebody else asked for it: what the digest has confirmed need not be replaced by itself.
  if (peer.state === 'synced' && manifestVersion === peer.manifestVersion) return;
  // An author's versions only grow: this one has been overtaken.
  if (manifestVersion < Math.max(peer.manifestVersion, peer.assembly?.manifestVersion ?? 0)) return;
  if (peer.assembly?.manifestVersion !== manifestVersion || peer.assembly.parts !== parts) {
    peer.assembly = { manifestVersion, parts, received: new Map() };
  }
  peer.assembly.received.set(part, body.entries);
  if (entriesIn(peer.assembly.received) > PEER_ENTRIES_MAX) {
    peer.assembly = null;
    count(state, 'snapshots_refused');
    return;
  }
  if (peer.assembly.received.size < parts) return;
  const entries = new Manifest();
  for (const piece of peer.assembly.received.values()) {
    for (const entry of piece) entries.set(entry.id, entry);
  }
  peer.assembly = null;
  peer.requestedMs = null;
  replaceEntries(state, peer, manifestVersion, entries, out);
  setPeerState(state, peer, 'synced', out);
}

function entriesIn(received: ReadonlyMap<number, readonly ManifestEntry[]>): number {
  let entries = 0;
  for (const piece of received.values()) entries += piece.length;
  return entries;
}

function replaceEntries(
  state: State,
  peer: Peer,
  version: number,
  entries: Manifest,
  out: EffectCollector,
): void {
  const before = peer.entries;
  peer.entries = entries;
  peer.manifestVersion = version;
  for (const [id, entry] of before) {
    if (!entries.has(id)) publish(state, peer, entry, true, out);
  }
  for (const [id, entry] of entries) {
    const old = before.get(id);
    if (old === undefined || !isSameEntry(old, entry)) {
      publish(state, peer, entry, false, out);
    }
    noticeOvertaken(state, peer, entry, out);
  }
}

function onDelta(state: State, peer: Peer, body: Delta, out: EffectCollector): void {
  if (body.manifestVersion <= peer.manifestVersion) return;
  // The snapshot that is arriving lacks this change, and nobody would tell it again.
  if (peer.assembly !== null && body.manifestVersion > peer.assembly.manifestVersion) {
    peer.assembly = null;
  }
  if (peer.manifestVersion === 0 || body.manifestVersion !== peer.manifestVersion + 1) {
    becomeStale(state, peer, out);
    return;
  }
  if (sizeAfter(peer, body) > PEER_ENTRIES_MAX) {
    count(state, 'deltas_refused');
    becomeStale(state, peer, out);
    return;
  }
  peer.manifestVersion = body.manifestVersion;
  for (const id of body.removed) {
    const entry = peer.entries.get(id);
    peer.entries.delete(id);
    if (entry !== undefined) publish(state, peer, entry, true, out);
  }
  for (const entry of body.changed) {
    peer.entries.set(entry.id, entry);
    publish(state, peer, entry, false, out);
    noticeOvertaken(state, peer, entry, out);
  }
}

/** How many entries the manifest would have: one that is changed was there already. */
function sizeAfter(peer: Peer, { changed, removed }: Delta): number {
  const gone = new Set(removed.filter((id) => peer.entries.has(id)));
  const added = new Set<number>();
  for (const { id } of changed) if (!peer.entries.has(id) || gone.has(id)) added.add(id);
  return peer.entries.size - gone.size + added.size;
}

function publish(
  state: State,
  peer: Peer,
  entry: ManifestEntry,
  gone: boolean,
  out: EffectCollector,
): void {
  const lock = viewPeerLock(state, peer, entry);
  if (lock !== null) out.tell({ at: isoTime(state.wallMs), type: 'lock', lock, gone });
}

/** Counted always, logged once per sender: a talkative stranger must not fill the log. */
export function onGarbage(
  state: State,
  from: GroupMember,
  reason: string,
  out: EffectCollector,
): void {
  count(state, 'messages_garbage');
  complainOnce(state, from, reason, out);
}

/** Logs what is wrong with a sender, once for each and for a bounded number of them. */
export function complainOnce(
  state: State,
  from: GroupMember,
  reason: string,
  out: EffectCollector,
): void {
  const sender = `${from.nodeId}/${from.pid}`;
  if (state.complainedOf.has(sender) || state.complainedOf.size >= SENDERS_COMPLAINED_MAX) return;
  state.complainedOf.add(sender);
  const who = `process ${from.pid} on node ${from.nodeId}`;
  out.log('warn', `a message of ${who} is ignored, as all like it will be: ${reason}`);
}
