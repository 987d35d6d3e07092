import type { LockView, NodeView, Owner, Standing } from '../control/schema.js';

type PeerState = NodeView['state'];

/** What each state of a node means for the locks it held. */
export const NODE_STATE_MEANING: Readonly<Record<PeerState, string>> = {
  joining: 'has joined; its locks are not known yet',
  synced: 'runs',
  stale: 'runs; what is known of its locks is being renewed',
  left: 'its daemon was stopped',
  'daemon-down': 'its daemon is gone; its locks still hold',
  'node-down': 'cut off or dead; its locks hold until it is fenced',
  recovered: 'dead; its locks are gone',
};

const LOCK_STATE_MEANING: Readonly<Record<LockView['state'], string>> = {
  taking: 'is taking it',
  waiting: 'is waiting for it',
  held: 'holds it',
  releasing: 'is releasing it',
  orphaned: 'holds it while its daemon is away',
  quarantined: 'holds it for reasons unknown',
  lost: 'has lost it without releasing it',
};

export function describeStanding(standing: Standing): string {
  switch (standing.kind) {
    case 'ok':
      return 'ok';
    case 'no-quorum':
      return 'no quorum: nothing can be acquired; what is held stays held';
    case 'starting':
      return `starting: waits for ${standing.waitingFor}`;
    case 'recovering':
      return `recovering: waits for ${standing.waitingFor}`;
    case 'isolated':
      return `isolated: cannot vouch for its locks (${standing.reason})`;
    default:
      return standing satisfies never;
  }
}

/** `vm-17`, `process 4711`, or that nobody knows. */
export function describeOwner(owner: Owner | null): string {
  if (owner === null) {
    return 'unknown';
  }
  return owner.kind === 'named' ? owner.name : `process ${owner.pid}`;
}

/** `n2 (its daemon is gone; its locks still hold)`; only the name while all is well. */
export function describeLockNode(lock: LockView): string {
  return lock.nodeState === 'synced'
    ? lock.node.name
    : `${lock.node.name} (${NODE_STATE_MEANING[lock.nodeState]})`;
}

/** `qemu-17 on n2 holds it`. */
export function describeHolding(lock: LockView): string {
  return `${describeOwner(lock.owner)} on ${lock.node.name} ${LOCK_STATE_MEANING[lock.state]}`;
}
