import { fingerprint } from './digest.js';
import type { CoreEvent, GroupMember } from './event.js';
import {
  clockFloor, closeEpoch, forgetMember, openEpoch, raise, raiseForLoss,
} from './generations.js';
import type { State } from './state.js';

type ViewEvent = Extract<CoreEvent, { kind: 'view' }>;

/**
 * What a change of the group means for generations: whoever joined must tell what it knows, and
 * a node that went without a word may have told numbers that nobody here has heard of. `before`
 * are the members until now; none at our own joining.
 */
export function meetView(state: State, event: ViewEvent, before: readonly GroupMember[]): void {
  const { generations } = state;
  const present = new Set(event.members.map(keyOf));
  // A leave and the end of a process stand in the order of the messages: nothing was missed.
  const orderly = new Set(event.left.filter(({ reason }) => {
    return reason === 'leave' || reason === 'procdown';
  }).map(keyOf));
  const isGone = (member: GroupMember): boolean => !present.has(keyOf(member));
  const isLoss = event.left.some((member) => !orderly.has(keyOf(member)))
    || before.some((member) => isGone(member) && !orderly.has(keyOf(member)));
  if (isLoss) {
    raiseForLoss(generations);
    state.lossMs = state.monotonicMs;
  }
  for (const member of before) if (isGone(member)) forgetMember(generations, keyOf(member));
  if (!isLoss && event.joined.length === 0 && before.length > 0) return;
  raise(generations, clockFloor(state.wallMs));
  closeEpoch(generations, state.monotonicMs);
}

/** Opens the epoch of the present ring and members; what names it goes into the hello. */
export function beginEpoch(state: State): string {
  const { group, self, peers, generations } = state;
  if (group.kind !== 'joined') return '';
  const members = group.members.map(keyOf).sort();
  const ring = group.ring === null ? '' : `${group.ring.nodeId}:${group.ring.seq}`;
  const view = fingerprint([ring, ...members]);
  // A stranger beside a node's daemon says nothing, nor does another daemon of this node.
  const others = group.members.filter(({ nodeId, pid }) => {
    return nodeId !== self.nodeId && peers.get(nodeId)?.pid === pid;
  });
  const mine = keyOf(group.self);
  openEpoch(generations, view, { self: mine, others: others.map(keyOf) }, state.monotonicMs);
  return view;
}

/** The lockspace was asked `askedMs` and runs: whoever was lost before that is fenced. */
export function noteRunning(state: State, askedMs: number): void {
  if (state.lossMs !== null && askedMs >= state.lossMs) state.lossMs = null;
}

/**
 * Whether nobody who was lost can still be told a number: each side of a cut counts on from the
 * same number, so only the side whose lockspace has recovered without the other may claim.
 */
export function isLossSettled(state: State): boolean {
  if (state.lossMs !== null) return false;
  for (const peer of state.peers.values()) if (peer.state === 'node-down') return false;
  return true;
}

/** A process of the group, as generations name it. */
export function keyOf({ nodeId, pid }: GroupMember): string {
  return `${nodeId}/${pid}`;
}
