import type { EffectCollector } from './effect.js';
import type { GroupMember } from './event.js';
import { BARRIER_MS } from './limits.js';
import { canSend } from './manifest-sender.js';
import { isPresent, isSilent } from './peer-state.js';
import { join, leave } from './peers.js';
import { count, type Peer, type State } from './state.js';

/**
 * The barrier of a view, with its time-out: nobody waits for ever for a member's manifest. Who
 * says nothing for `BARRIER_MS` is complained of; when the quorum service has not known its node
 * for as long either, corosync shows a member that is not there (a node that came and died within
 * one change of the ring stays in the group's list for good), and it is taken for what it is.
 */
export function settleSilent(state: State, out: EffectCollector): void {
  if (state.group.kind !== 'joined') return;
  for (const peer of state.peers.values()) {
    noteMissing(state, peer);
    if (isGhost(state, peer)) exclude(state, peer, out);
    else if (hasReturned(state, peer)) revive(state, peer, out);
    else if (isSilent(state, peer) && !peer.isSilenceTold) complain(state, peer, out);
  }
}

function noteMissing(state: State, peer: Peer): void {
  if (!isPresent(peer.state) || isKnownToQuorum(state, peer)) peer.missingMs = null;
  else peer.missingMs ??= state.monotonicMs;
}

/** A list of another ring than the group's says nothing of this one. */
function isKnownToQuorum({ quorum, group }: State, { nodeId }: Peer): boolean {
  if (quorum === null || group.kind !== 'joined') return true;
  const isOfRing = quorum.ring === null || quorum.ring.seq === group.ring?.seq;
  return !isOfRing || quorum.nodeIds.includes(nodeId);
}

function isGhost(state: State, peer: Peer): boolean {
  return peer.missingMs !== null && state.monotonicMs >= exclusionMs(peer, peer.missingMs);
}

function exclusionMs({ joinedMs, heardMs }: Peer, missingMs: number): number {
  return Math.max(missingMs, joinedMs, heardMs ?? 0) + BARRIER_MS;
}

/** `joining | synced | stale -> node-down`: its locks hold until the lockspace runs without it. */
function exclude(state: State, peer: Peer, out: EffectCollector): void {
  count(state, 'ghost_members');
  out.log('warn', `process ${peer.pid ?? 0} of ${peer.name} is in the group, but its node is not ` +
    'in the cluster: a ghost of corosync, which is not waited for');
  const { pid } = peer;
  leave(state, peer.nodeId, 'nodedown', out);
  peer.ghostPid = pid;
  peer.missingMs = null;
}

function hasReturned(state: State, peer: Peer): boolean {
  return peer.ghostPid !== null && state.quorum?.nodeIds.includes(peer.nodeId) === true
    && memberOf(state, peer) !== undefined;
}

/** `node-down | recovered -> joining`: its node is there after all. */
function revive(state: State, peer: Peer, out: EffectCollector): void {
  const member = memberOf(state, peer);
  if (member === undefined || state.group.kind !== 'joined') return;
  join(state, member, state.group.self, out);
  if (!canSend(state)) return;
  peer.requestedMs = state.monotonicMs;
  out.send({ kind: 'request', nodeId: peer.nodeId });
}

function memberOf({ group }: State, { nodeId, ghostPid }: Peer): GroupMember | undefined {
  if (group.kind !== 'joined') return undefined;
  return group.members.find((member) => member.nodeId === nodeId && member.pid === ghostPid);
}

function complain(state: State, peer: Peer, out: EffectCollector): void {
  peer.isSilenceTold = true;
  count(state, 'members_silent');
  out.log('warn', `the daemon on ${peer.name} is in the group and has said nothing for ` +
    `${BARRIER_MS} ms: what it holds is not known, and nobody waits for it any longer`);
}

/** When `settleSilent` next has something to do, monotonic ms; null without. */
export function ghostDueMs(state: State): number | null {
  if (state.group.kind !== 'joined') return null;
  const due: number[] = [];
  for (const peer of state.peers.values()) {
    const isUnheard = peer.state === 'joining' && peer.heardMs === null;
    if (isUnheard && !peer.isSilenceTold) due.push(peer.joinedMs + BARRIER_MS);
    if (peer.missingMs !== null) due.push(exclusionMs(peer, peer.missingMs));
  }
  return due.length === 0 ? null : Math.min(...due);
}
