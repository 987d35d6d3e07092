import { BARRIER_MS } from './limits.js';
import type { Peer, State } from './state.js';
import type { PeerState } from './view.js';

/** Whether it is a member of the group, as far as is known. */
export function isPresent(peer: PeerState): boolean {
  return peer === 'joining' || peer === 'synced' || peer === 'stale';
}

/** Whether it is in the group and has not said a word since, for longer than anybody waits. */
export function isSilent({ monotonicMs }: State, peer: Peer): boolean {
  return peer.state === 'joining' && peer.heardMs === null
    && monotonicMs - peer.joinedMs >= BARRIER_MS;
}
