import type { EffectCollector } from './effect.js';
import { HANDOVER_CALLERS, handoverField, type Handover, type HandoverFacts } from './handover.js';
import { otherEnd } from './handover-peer.js';
import { becomeExclusive, noteStep } from './handover-source.js';
import type { ManifestEntry } from './message.js';
import { describeOwner, isSameOwner, type Owner } from './owner.js';
import { addLock } from './own-locks.js';
import { beginRelease } from './release.js';
import type { OwnLock, Peer, State } from './state.js';

/** An offer to this node, with what its entry says. */
export interface Offer {
  readonly peer: Peer;
  readonly entry: ManifestEntry;
  readonly handover: HandoverFacts;
}

/** Who offers the resource to that owner on this node; null when nobody does that is known. */
export function findOffer(state: State, resource: string, owner: Owner): Offer | null {
  for (const peer of state.peers.values()) {
    if (peer.state !== 'synced') continue;
    for (const entry of peer.entries.on(resource)) {
      if (entry.mode !== 'CW') continue;
      const { handover } = entry;
      if (handover?.role !== 'source' || handover.nodeId !== state.self.nodeId) continue;
      if (handover.step !== 'offered' && handover.step !== 'joined') continue;
      if (entry.owner !== null && isSameOwner(entry.owner, owner)) return { peer, entry, handover };
    }
  }
  return null;
}

/** `(nothing) -> taking`, in CW, without waiting: it passes a third that waits (0004). */
export function beginJoin(
  state: State,
  { resource, lockName, owner }: {
    readonly resource: string; readonly lockName: string; readonly owner: Owner;
  },
  { peer, handover: { id } }: Offer,
  out: EffectCollector,
): void {
  const facts = {
    id: state.nextLockId, resource, lockName, mode: 'CW', owner, bootId: state.self.bootId,
  } as const;
  const phase = { kind: 'taking', wait: false, callers: HANDOVER_CALLERS, cancelling: 'no' } as const;
  const lock = addLock(state, facts, phase, state.wallMs);
  lock.handover = {
    id, role: 'destination', nodeId: peer.nodeId, step: 'accepted', since: state.wallMs,
    untilMs: null, triedMs: null,
  };
  state.handoverIds.add(facts.id);
  out.log('info', `'${resource}' of ${describeOwner(owner)} is taken over from ${peer.name}`);
  const listed = handoverField(lock.handover);
  out.persist({ kind: 'intent', at: state.wallMs, lock: facts, ...listed });
  out.lock({ kind: 'take', id: facts.id, lockName, mode: 'CW', wait: false });
}

/** What is due at the destination, as far as it is known now. Its lock is held in CW. */
export function driveDestination(
  state: State,
  lock: OwnLock,
  handover: Handover,
  out: EffectCollector,
): void {
  const other = otherEnd(state, lock, handover.nodeId);
  if (other.kind === 'unknown') return;
  if (other.kind === 'gone') {
    // Ends with a new generation; see claims.ts.
    becomeExclusive(state, lock, handover, out);
    return;
  }
  const theirs = other.entry.handover;
  const isOver = theirs === undefined ? other.entry.mode === 'EX' : theirs.id !== handover.id;
  if (isOver || theirs?.step === 'aborting') dropJoin(state, lock, out);
  else if (handover.step === 'accepted' && theirs?.step === 'joined') {
    noteStep(state, lock, 'joined', out);
  }
}

/** `held -> releasing`: the source takes the resource back, and decides. */
export function dropJoin(state: State, lock: OwnLock, out: EffectCollector): void {
  const { resource, owner } = lock.facts;
  const who = owner === null ? 'its owner' : describeOwner(owner);
  out.log('warn', `'${resource}' is not handed over: ${who} loses it here, and keeps it there`);
  beginRelease(state, lock, 'its handover was aborted', null, out);
}

/** `held -> held`, in CW: asks the source to take the resource back, which decides. */
export function askToLeave(state: State, lock: OwnLock, out: EffectCollector): void {
  if (lock.handover === null || lock.handover.step === 'leaving') return;
  noteStep(state, lock, 'leaving', out);
}
