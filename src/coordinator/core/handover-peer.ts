import type { ManifestEntry } from './message.js';
import { isSameOwner } from './owner.js';
import type { OwnLock, Peer, State } from './state.js';

/** What this node knows of the lock at the other end of a handover. */
export type OtherEnd =
  /** Its daemon is away, or its manifest is not complete: its lock holds, whatever it is. */
  | { readonly kind: 'unknown' }
  /** It has nothing on the resource any more, by its own word or by recovery without it. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'there'; readonly entry: ManifestEntry };

/**
 * The lock of the same owner at the other end. Only a reason to try, never a proof: the kernel has
 * the last word. A node that this daemon never met counts as gone for that reason.
 */
export function otherEnd(state: State, lock: OwnLock, nodeId: number): OtherEnd {
  const peer = state.peers.get(nodeId);
  if (peer === undefined) return { kind: 'gone' };
  switch (peer.state) {
    case 'synced': {
      const entry = findEntry(peer, lock);
      return entry === undefined ? { kind: 'gone' } : { kind: 'there', entry };
    }
    case 'recovered':
      return { kind: 'gone' };
    case 'left':
      return { kind: peer.goodbye?.keepsLocks === false ? 'gone' : 'unknown' };
    case 'joining':
    case 'stale':
    case 'daemon-down':
    case 'node-down':
      return { kind: 'unknown' };
    default:
      return peer.state satisfies never;
  }
}

function findEntry(peer: Peer, { facts: { resource, owner } }: OwnLock): ManifestEntry | undefined {
  for (const entry of peer.entries.on(resource)) {
    if (entry.owner === null || owner === null) continue;
    const isWaiting = entry.state === 'waiting' || entry.state === 'taking';
    if (!isWaiting && isSameOwner(entry.owner, owner)) return entry;
  }
  return undefined;
}
