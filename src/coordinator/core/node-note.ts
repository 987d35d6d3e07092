import { PROTOCOL_MAX } from './message.js';
import { isPresent, isSilent } from './peer-state.js';
import { describeRange, isForeign, OWN_PROTOCOLS } from './protocol-range.js';
import type { Peer, State } from './state.js';

/** What an operator should know of a node beyond its state; null when nothing. */
export function noteOnNode(state: State, peer: Peer): string | null {
  if (isPresent(peer.state)) return noteOnMember(state, peer);
  if (peer.state === 'node-down') return noteOnDown(state, peer);
  if (peer.state !== 'recovered') return null;
  const locks = peer.entries.size === 1 ? '1 lock' : `${peer.entries.size} locks`;
  return `proven dead: the lockspace has recovered without it; ${locks} died with it ` +
    `('holdfast died ${peer.name}' lists them)`;
}

/** The notes that `status` warns of: what somebody has to do something about. */
export function nodeWarnings(state: State): readonly string[] {
  return [...state.peers.values()].flatMap((peer) => {
    if (peer.state === 'recovered') return [];
    const note = noteOnNode(state, peer);
    return note === null ? [] : [`${peer.name}: ${note}`];
  });
}

function noteOnMember(state: State, peer: Peer): string | null {
  const { protocol } = peer;
  if (protocol !== null && isForeign(protocol)) {
    const where = protocol.min > PROTOCOL_MAX ? 'this node' : peer.name;
    return `its daemon speaks protocol ${describeRange(protocol)}, this node's ` +
      `${describeRange(OWN_PROTOCOLS)}: what it holds is not known here; update Holdfast on ${where}`;
  }
  if (!isSilent(state, peer)) return null;
  return 'its daemon is in the group and says nothing: what it holds is not known; look at its log';
}

function noteOnDown({ fencing, condition }: State, { nodeId }: Peer): string {
  const fate = 'whether it is dead is not proven, so its locks hold';
  if (condition.kind === 'abandoned') {
    return `${fate}; this node's own dlm_controld is away and cannot tell (${condition.reason})`;
  }
  const lockspace = condition.kind === 'waiting' ? `; the lockspace waits for ${condition.for}` : '';
  return `${fate}${lockspace}; ${describeFencing(fencing, nodeId)}`;
}

function describeFencing(fencing: State['fencing'], nodeId: number): string {
  if (fencing === null) return 'what fencing does is not known yet';
  if (!fencing.enabled) return 'fencing is DISABLED in dlm_controld';
  const node = fencing.nodes.find((one) => one.nodeId === nodeId);
  if (node?.fencing === 'in-progress') return 'a fencing agent is at work on it';
  if (node?.fencing === 'needed') return 'dlm_controld waits for it to be fenced';
  return 'dlm_controld does not wait for its fencing (done, or not noticed yet)';
}
