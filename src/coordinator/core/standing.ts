import { unparkAll } from './acquire.js';
import { resumeConverts } from './convert-step.js';
import type { EffectCollector } from './effect.js';
import { isoTime } from './iso-time.js';
import { refuseForStanding } from './refusal.js';
import { answerStalledReleases, resumeReleases } from './release.js';
import type { State } from './state.js';
import type { Standing } from './view.js';
import { refuseImpatient } from './waiting.js';

/** How far this node can vouch for its locks, from all that is known; see `Standing`. */
export function judgeStanding(state: State): Standing {
  if (state.life.kind === 'starting') {
    return { kind: 'starting', waitingFor: state.life.waitingFor };
  }
  if (state.group.kind === 'away') return { kind: 'isolated', reason: state.group.reason };
  if (state.group.kind === 'joining') {
    return { kind: 'isolated', reason: 'corosync is back, the group is being joined again' };
  }
  const { condition, lockspaceLink, quorum } = state;
  if (condition.kind === 'abandoned') return { kind: 'isolated', reason: condition.reason };
  if (quorum === null) return { kind: 'isolated', reason: 'the quorum service does not answer' };
  if (!quorum.quorate) return { kind: 'no-quorum' };
  if (lockspaceLink.kind === 'closed') {
    return { kind: 'recovering', waitingFor: lockspaceLink.reason };
  }
  if (lockspaceLink.kind === 'adopting') return { kind: 'recovering', waitingFor: 'adoption' };
  if (condition.kind === 'absent') {
    if (!lockspaceLink.hasRun) return { kind: 'recovering', waitingFor: 'the lockspace' };
    return { kind: 'isolated', reason: 'the lockspace has vanished from this node\'s kernel' };
  }
  if (condition.kind === 'waiting') return { kind: 'recovering', waitingFor: condition.for };
  if (state.isStalled) return { kind: 'recovering', waitingFor: STUCK };
  return { kind: 'ok' };
}

/** A hung process of the lock manager is no different to who asks: it answers later, or dies. */
const STUCK = 'the lock manager, which does not answer';

/** Enters the standing that now holds, and lets go on what waited for it. */
export function updateStanding(state: State, out: EffectCollector): void {
  const before = state.standing;
  const now = judgeStanding(state);
  // A daemon that stops before it had begun has not become isolated, nor one that has left.
  if (state.life.kind === 'stopped') return;
  if (before.kind === 'starting' && state.life.kind === 'stopping') return;
  if (isSame(before, now)) return;
  state.standing = now;
  out.tell({ at: isoTime(state.wallMs), type: 'standing', standing: now });
  out.log(now.kind === 'isolated' ? 'error' : 'info', `standing: ${describeStanding(now)}`);
  if (now.kind === 'ok') {
    unparkAll(state, out);
    resumeConverts(state, out);
    resumeReleases(state, out);
    return;
  }
  answerStalledReleases(state, out);
  const refusal = refuseForStanding(now);
  if (refusal !== null) refuseImpatient(state, refusal, out);
}

function isSame(one: Standing, other: Standing): boolean {
  return describeStanding(one) === describeStanding(other);
}

export function describeStanding(standing: Standing): string {
  switch (standing.kind) {
    case 'ok':
    case 'no-quorum':
      return standing.kind;
    case 'starting':
    case 'recovering':
      return `${standing.kind}, waiting for ${standing.waitingFor}`;
    case 'isolated':
      return `isolated: ${standing.reason}`;
    default:
      return standing satisfies never;
  }
}
