import { onAcquire, onGranted, onIntentFailed, onTakeFailed } from './acquire.js';
import { onGenerationsReserved, onReservationFailed, settleClaims, startGenerations } from './claims.js';
import { onConvert } from './convert.js';
import { resumeConverts, onConverted, onConvertFailed, onConvertUnlisted } from './convert-step.js';
import { EffectCollector, type Effect } from './effect.js';
import { noteRunning } from './epoch.js';
import type { CoreEvent, Instant } from './event.js';
import { onFencing } from './death.js';
import { settleUnexplained } from './explained-refusal.js';
import { onForeignProtocol } from './foreign-protocol.js';
import { settleSilent } from './ghosts.js';
import { driveHandovers } from './handover-drive.js';
import { onHandover } from './handover-request.js';
import { onListCondition } from './list-condition.js';
import { onGarbage, onMessage, repeatRequests } from './manifest-receiver.js';
import { announceChanges, tellDigestWhenDue } from './manifest-sender.js';
import { markRecovered, onGroupJoining, onGroupLost, onQuorum, onRing, onView } from './peers.js';
import { onAdopted, onAdoptFailed, onListFound, onLockspaceLost, onLockspaceOpen, retryAdoptions } from './reconcile.js';
import { continueRecheck, endRecheck, onLocksRead, watchAftermath } from './recheck.js';
import { onReleaseOrphan } from './release-orphan.js';
import { onHeldUnlisted, onOwnerEnded, onRelease, onUnlocked, onUnlockFailed, resumeReleases } from './release.js';
import { abandonLostSets, endSets, handleSet, settleSets } from './sets.js';
import { updateStanding } from './standing.js';
import type { State } from './state.js';
import { finishStop, onStop } from './stop.js';
import { expireCallers, onCallerGone } from './waiting.js';

/**
 * The whole behaviour of a coordinator: one event in, the effects to carry out, in order. Total,
 * synchronous and deterministic. Changes `state` in place; the caller owns it and hands it to
 * nobody else.
 */
export function step(state: State, event: CoreEvent, at: Instant): readonly Effect[] {
  state.wallMs = at.wallMs;
  state.monotonicMs = at.monotonicMs;
  const out = new EffectCollector();
  endSets(state, event, out);
  handle(state, event, out);
  updateStanding(state, out);
  settleClaims(state, out);
  // Looks through all manifests, so not at every step: only news of others explains a refusal.
  if (event.kind === 'message' || event.kind === 'tick') settleUnexplained(state, out);
  settleSets(state, out);
  driveHandovers(state, out);
  announceChanges(state, out);
  finishStop(state, out);
  return out.ordered(state.opening);
}

function handle(state: State, event: CoreEvent, out: EffectCollector): void {
  switch (event.kind) {
    case 'start-waits':
      onStartWaits(state, event);
      break;
    case 'list-found':
      // That the mark is not certain is what damage leaves in the list, also over a crash.
      onListFound(state, event.locks, !event.generations.isCertain, out);
      startGenerations(state, event.generations, event.locks, out);
      break;
    case 'generations-reserved':
      onGenerationsReserved(state, event.upTo);
      break;
    case 'generations-failed':
      onReservationFailed(state, event.message, out);
      break;
    case 'acquire':
    case 'release':
    case 'release-orphan':
    case 'handover':
      handleRequest(state, event, out);
      break;
    case 'acquire-set':
    case 'set-listed':
    case 'set-unlisted':
      handleSet(state, event, out);
      break;
    case 'caller-gone':
      onCallerGone(state, event.caller, out);
      break;
    case 'owner-ended':
      onOwnerEnded(state, event.owner, out);
      break;
    case 'intent-failed':
    case 'convert-unlisted':
    case 'held-unlisted':
    case 'list-condition':
      handleList(state, event, out);
      break;
    case 'lockspace-stalled':
      state.isStalled = event.isStalled;
      break;
    case 'stop':
      onStop(state, event, out);
      break;
    case 'warning':
      onWarning(state, event);
      break;
    case 'tick':
      onTick(state, out);
      break;
    case 'lockspace-open':
    case 'lockspace-lost':
    case 'lockspace-condition':
    case 'locks-read':
    case 'adopted':
    case 'adopt-failed':
    case 'granted':
    case 'take-failed':
    case 'convert':
    case 'converted':
    case 'convert-failed':
    case 'unlocked':
    case 'unlock-failed':
      handleLockManager(state, event, out);
      break;
    default:
      handleCluster(state, event, out);
  }
}

function onTick(state: State, out: EffectCollector): void {
  expireCallers(state, out);
  tellDigestWhenDue(state, out);
  repeatRequests(state, out);
  continueRecheck(state, out);
  settleSilent(state, out);
}

function onStartWaits(state: State, event: Extract<CoreEvent, { kind: 'start-waits' }>): void {
  if (state.life.kind !== 'starting') return;
  state.life = { kind: 'starting', waitingFor: event.waitingFor };
}

function onWarning(state: State, event: Extract<CoreEvent, { kind: 'warning' }>): void {
  if (event.text === null) state.warnings.delete(event.topic);
  else state.warnings.set(event.topic, event.text);
}

type RequestEvent = Extract<
  CoreEvent,
  { kind: 'acquire' | 'release' | 'release-orphan' | 'handover' }
>;

function handleRequest(state: State, event: RequestEvent, out: EffectCollector): void {
  if (event.kind === 'acquire') onAcquire(state, event, out);
  else if (event.kind === 'release') onRelease(state, event, out);
  else if (event.kind === 'handover') onHandover(state, event, out);
  else onReleaseOrphan(state, event, out);
}

type ListEvent = Extract<
  CoreEvent,
  { kind: 'intent-failed' | 'convert-unlisted' | 'held-unlisted' | 'list-condition' }
>;

function handleList(state: State, event: ListEvent, out: EffectCollector): void {
  switch (event.kind) {
    case 'intent-failed':
      for (const id of event.ids) onIntentFailed(state, id, event.message, out);
      break;
    case 'convert-unlisted':
      for (const id of event.ids) onConvertUnlisted(state, id, event.message, out);
      break;
    case 'held-unlisted':
      onHeldUnlisted(state, event, out);
      break;
    case 'list-condition':
      onListCondition(state, event.condition, out);
      break;
    default:
      event satisfies never;
  }
}

type LockManagerEvent = Extract<
  CoreEvent,
  {
    kind:
      | 'lockspace-open' | 'lockspace-lost' | 'lockspace-condition' | 'locks-read' | 'adopted'
      | 'adopt-failed' | 'granted' | 'take-failed' | 'convert' | 'converted' | 'convert-failed'
      | 'unlocked' | 'unlock-failed';
  }
>;

function handleLockManager(state: State, event: LockManagerEvent, out: EffectCollector): void {
  switch (event.kind) {
    case 'lockspace-open':
      state.opening = event.opening;
      state.isStalled = false;
      onLockspaceOpen(state, event.orphans, out);
      break;
    case 'lockspace-lost':
      state.isStalled = false;
      onLockspaceLost(state, event.reason, out);
      abandonLostSets(state, out);
      endRecheck(state, out);
      break;
    case 'lockspace-condition': {
      const before = state.condition.kind;
      // What stood still with the lockspace goes on with it; what does not is told again.
      if (event.condition.kind !== state.condition.kind) state.isStalled = false;
      state.condition = event.condition;
      markRecovered(state, event.askedMs, out);
      if (event.condition.kind === 'running') noteRunning(state, event.askedMs);
      onCondition(state, out);
      watchAftermath(state, before, out);
      break;
    }
    case 'locks-read':
      onLocksRead(state, event, out);
      break;
    case 'adopted':
      onAdopted(state, event.id, out);
      break;
    case 'adopt-failed':
      onAdoptFailed(state, event.id, event.failure, out);
      break;
    case 'granted':
      onGranted(state, event.id, out);
      break;
    case 'take-failed':
      onTakeFailed(state, event.id, event.failure, out);
      break;
    case 'convert':
      onConvert(state, event, out);
      break;
    case 'converted':
      onConverted(state, event.id, out);
      break;
    case 'convert-failed':
      onConvertFailed(state, event.id, event.failure, out);
      break;
    case 'unlocked':
      onUnlocked(state, event.id, out);
      break;
    case 'unlock-failed':
      onUnlockFailed(state, event.id, event.failure, out);
      break;
    default:
      event satisfies never;
  }
}

/** A look at the lockspace: what waits for it to run goes on, what failed is tried again. */
function onCondition(state: State, out: EffectCollector): void {
  if (state.condition.kind !== 'running' || state.lockspaceLink.kind !== 'open') return;
  state.lockspaceLink = { kind: 'open', hasRun: true };
  retryAdoptions(state, out);
  resumeReleases(state, out);
  if (state.standing.kind === 'ok' && state.list.kind !== 'failed') resumeConverts(state, out);
}

type ClusterEvent = Extract<
  CoreEvent,
  {
    kind:
      | 'view' | 'ring' | 'message' | 'garbage' | 'foreign-protocol' | 'group-joining'
      | 'group-lost' | 'quorum' | 'quorum-away' | 'fencing';
  }
>;

function handleCluster(state: State, event: ClusterEvent, out: EffectCollector): void {
  switch (event.kind) {
    case 'view':
      onView(state, event, out);
      if (state.quorum !== null) onQuorum(state, state.quorum, out);
      settleSilent(state, out);
      break;
    case 'ring':
      onRing(state, event.ring, out);
      break;
    case 'message':
      onMessage(state, event.from, event.envelope, out);
      break;
    case 'garbage':
      onGarbage(state, event.from, event.reason, out);
      break;
    case 'foreign-protocol':
      onForeignProtocol(state, event, out);
      break;
    case 'group-joining':
      onGroupJoining(state, event.self);
      break;
    case 'group-lost':
      onGroupLost(state, event.reason, out);
      break;
    case 'quorum':
      onQuorum(state, { ...event, ring: event.ring ?? null }, out);
      settleSilent(state, out);
      break;
    case 'fencing':
      onFencing(state, event.facts, out);
      break;
    case 'quorum-away':
      state.quorum = null;
      break;
    default:
      event satisfies never;
  }
}
