import type { EffectCollector } from './effect.js';
import { beginEpoch } from './epoch.js';
import { isoTime } from './iso-time.js';
import { DELTA_ENTRIES_MAX, DIGEST_INTERVAL_MS, REQUEST_RETRY_MS } from './limits.js';
import { viewOwnLock } from './lock-view.js';
import type { ManifestEntry } from './message.js';
import { isSameEntry, manifestEntry } from './own-locks.js';
import { isHeldBack } from './recheck-state.js';
import type { State } from './state.js';
import type { LockView } from './view.js';

/** Whether a message can be stamped with a ring and will reach anybody. */
export function canSend(state: State): boolean {
  return state.group.kind === 'joined' && state.group.ring !== null;
}

/** Tells the group who we are and how our manifest stands; who lacks it asks for it. */
export function sayHello(state: State, out: EffectCollector): void {
  if (!canSend(state)) return;
  const { nodeName, bootId, softwareVersion } = state.self;
  const view = beginEpoch(state);
  out.send({
    kind: 'hello',
    nodeName,
    bootId,
    softwareVersion,
    manifestVersion: state.manifestVersion,
    digest: state.announced.digest,
    generationFloor: state.generations.known,
    view,
  });
  state.digestDueMs = state.monotonicMs + DIGEST_INTERVAL_MS;
}

/** Tells the digest when its time has come, so that a missed change is found. */
export function tellDigestWhenDue(state: State, out: EffectCollector): void {
  if (!canSend(state) || state.monotonicMs < state.digestDueMs) return;
  const { manifestVersion, announced: { digest } } = state;
  out.send({ kind: 'digest', manifestVersion, digest });
  state.digestDueMs = state.monotonicMs + DIGEST_INTERVAL_MS;
}

/** Somebody asked for our whole manifest; one that is under way serves them too. */
export function sendSnapshotOnRequest(state: State, out: EffectCollector): void {
  if (!canSend(state)) return;
  // What may have been taken from this node is not claimed before the kernel was asked.
  if (isHeldBack(state)) {
    state.isSnapshotOwed = true;
    return;
  }
  const { snapshotSentMs, monotonicMs } = state;
  // One that has not come back by now was not sent: a full queue may have refused it.
  if (snapshotSentMs !== null && monotonicMs - snapshotSentMs < REQUEST_RETRY_MS) return;
  sendWhole(state, out);
}

function sendWhole(state: State, out: EffectCollector): void {
  state.snapshotSentMs = state.monotonicMs;
  out.sendSnapshot(state.manifestVersion, [...state.announced.values()]);
}

/** Announces what this step changed of our locks, to the group and to whoever watches. */
export function announceChanges(state: State, out: EffectCollector): void {
  if (state.dirtyIds.size === 0) return;
  const changed: ManifestEntry[] = [];
  const removed: number[] = [];
  for (const id of state.dirtyIds) {
    const lock = state.locks.get(id);
    const before = state.announced.get(id);
    const now = lock === undefined ? null : manifestEntry(state, lock);
    if (now !== null && lock !== undefined) {
      if (before !== undefined && isSameEntry(before, now)) continue;
      changed.push(now);
      state.announced.set(id, now);
      publish(state, viewOwnLock(state, lock), false, out);
    } else if (before !== undefined) {
      removed.push(id);
      state.announced.delete(id);
      publish(state, viewGone(state, before), true, out);
    }
  }
  state.dirtyIds.clear();
  if (changed.length + removed.length === 0) return;
  state.manifestVersion += 1;
  if (!canSend(state)) return;
  if (changed.length + removed.length <= DELTA_ENTRIES_MAX) {
    out.send({ kind: 'delta', manifestVersion: state.manifestVersion, changed, removed });
  } else if (isHeldBack(state)) state.isSnapshotOwed = true;
  else sendWhole(state, out);
}

function publish(state: State, lock: LockView, gone: boolean, out: EffectCollector): void {
  out.publish({ at: isoTime(state.wallMs), type: 'lock', lock, gone });
}

function viewGone(state: State, entry: ManifestEntry): LockView {
  return {
    resource: entry.resource,
    lockspace: entry.lockspace,
    mode: entry.mode,
    converting: null,
    state: entry.state,
    owner: entry.owner,
    node: { id: state.self.nodeId, name: state.self.nodeName },
    nodeState: state.group.kind === 'joined' ? 'synced' : 'daemon-down',
    generation: entry.generation,
    since: isoTime(entry.since),
    note: null,
  };
}
