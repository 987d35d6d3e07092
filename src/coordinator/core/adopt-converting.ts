import { numberField } from './record.js';
import {
  abandonStep, answerConverted, isUp, pendAll, type Converting,
} from './convert-waiting.js';
import { beginStep, claimFor, settleMode, takeBack } from './convert-step.js';
import type { EffectCollector } from './effect.js';
import { handoverField } from './handover.js';
import { covers, needsGeneration, type LockMode } from './mode.js';
import { setPhase } from './own-locks.js';
import { refuse, refuseForStanding } from './refusal.js';
import type { Caller, FormerState, LockPhase, OwnLock, State } from './state.js';

type Adopting = Extract<LockPhase, { kind: 'adopting' }>;

/** `* -> orphaned`: `was` says what it was, `to` which convert of it was under way. */
export function orphanedAs(
  was: FormerState,
  to: LockMode | null,
  callers: readonly Caller[],
): Extract<LockPhase, { kind: 'orphaned' }> {
  return { kind: 'orphaned', was, to, callers };
}

/**
 * `converting -> orphaned`. Nobody is told that the stronger mode is kept while the kernel may have
 * given it up: callers of a step down learn that it will be finished. Those of a parked step up,
 * which the kernel does not know, are refused.
 */
export function orphanConverting(
  state: State,
  lock: OwnLock,
  phase: Converting,
  out: EffectCollector,
): void {
  const up = isUp(lock, phase);
  if (up && phase.progress === 'parked') {
    abandonStep(state, lock, phase, refuseEnded(lock), out);
    setPhase(state, lock, orphanedAs('held', null, []));
    return;
  }
  if (!up) pendAll(state, lock, out);
  const hasMore = phase.goal !== phase.to;
  if (up && (hasMore || phase.callers.length === 0)) {
    failCallers(lock, phase.callers, out);
    orphanGivenUp(state, lock, phase.to, out);
    return;
  }
  setPhase(state, lock, orphanedAs('converting', phase.to, up ? phase.callers : []));
}

/**
 * `converting -> orphaned`, of a step up whose callers were told that the old mode is kept. The
 * kernel may have granted it, so from here it is a convert from there back down.
 */
export function orphanGivenUp(
  state: State,
  lock: OwnLock,
  to: LockMode,
  out: EffectCollector,
): void {
  const { id, mode: kept } = lock.facts;
  const number = numberField(lock.generation);
  out.persist({
    kind: 'converting', at: state.wallMs, id, from: to, to: kept, ...number,
    ...handoverField(lock.handover),
  });
  lock.facts = { ...lock.facts, mode: to };
  lock.sinceMs = state.wallMs;
  setPhase(state, lock, orphanedAs('converting', kept, []));
}

/**
 * `orphaned -> the same`, of steps down in a damaged list. What was told of the lock afterwards may
 * be missing, also that it was raised again, so none is lowered for such a record: it counts as a
 * convert up, which leaves the lock in the mode that the kernel has. Written at once, because later
 * nothing shows the damage any more.
 */
export function keepDamagedConverts(state: State, out: EffectCollector): void {
  for (const lock of state.locks.values()) {
    const { phase, facts: { resource, mode } } = lock;
    if (phase.kind !== 'orphaned' || phase.was !== 'converting' || phase.to === null) continue;
    if (covers(phase.to, mode)) continue;
    const what = `the list was damaged: '${resource}' is not converted from ${mode} to ${phase.to}`;
    out.log('warn', `${what}, as it may have been raised again; convert it again if it was not`);
    orphanRaised(state, lock, phase.to, mode, out);
  }
}

/** `orphaned -> the same`, as a convert from the weaker of its modes to the stronger. */
function orphanRaised(
  state: State,
  lock: OwnLock,
  from: LockMode,
  to: LockMode,
  out: EffectCollector,
): void {
  lock.facts = { ...lock.facts, mode: from };
  lock.generation = null;
  out.persist({ kind: 'converting', at: state.wallMs, id: lock.facts.id, from, to });
  setPhase(state, lock, orphanedAs('converting', to, []));
}

/** A step up whose callers left while it is adopted, and were told that the old mode stays. */
export function giveUpOrphan(
  state: State,
  lock: OwnLock,
  phase: Adopting | Extract<LockPhase, { kind: 'orphaned' }>,
  out: EffectCollector,
): void {
  const { to } = phase;
  if (to === null || !covers(to, lock.facts.mode)) return;
  if (phase.kind === 'adopting') lock.phase = { ...phase, callers: [], isGivenUp: true };
  else orphanGivenUp(state, lock, to, out);
}

/** `claiming -> orphaned`: an upgrade that the kernel granted, and nobody was told of yet. */
export function orphanClaiming(
  state: State,
  lock: OwnLock,
  from: LockMode,
  callers: readonly Caller[],
): void {
  const to = lock.facts.mode;
  lock.facts = { ...lock.facts, mode: from };
  setPhase(state, lock, orphanedAs('converting', to, callers));
}

/**
 * The mode in which to try an adoption when the kernel has the name in another one than the last:
 * its own, that of a convert under way, and NL, in which a take waits. Null when all were tried.
 */
export function nextModeToTry(lock: OwnLock, { mode, to }: Adopting): LockMode | null {
  const own = lock.facts.mode;
  const tried: readonly LockMode[] = to === null || to === own ? [own, 'NL'] : [own, to, 'NL'];
  const at = tried.indexOf(mode);
  return at < 0 ? 'NL' : (tried[at + 1] ?? null);
}

/**
 * `adopting -> held` in the mode that the kernel has, which is the one before the convert or the
 * one after it. What was asked for upwards and not granted is undone by that, and its callers are
 * told; what was to be given up is given up now: `adopting -> converting`.
 */
export function settleConverted(
  state: State,
  lock: OwnLock,
  phase: Adopting,
  out: EffectCollector,
): void {
  const { resource, mode: before } = lock.facts;
  const { mode, to, callers } = phase;
  if (mode === before && to !== null && covers(before, to)) {
    out.log('info', `'${resource}' was adopted in ${mode}; its convert to ${to} is finished now`);
    const way = { from: before, goal: to, wait: false, callers: [] };
    beginStep(state, lock, way, out);
    return;
  }
  if (mode === to && phase.isGivenUp === true) {
    lock.facts = { ...lock.facts, mode };
    takeBack(state, lock, before, out);
    return;
  }
  if (mode === to && lock.generation === null && needsGeneration(mode)) {
    out.log('info', `'${resource}' was adopted in ${mode}: its convert was granted`);
    claimFor(state, lock, before, mode, { callers });
    return;
  }
  settleMode(state, lock, mode, out);
  setPhase(state, lock, { kind: 'held' });
  const what = mode === to ? 'was granted' : 'was not granted';
  out.log('info', `'${resource}' was adopted in ${mode}: its convert to ${to ?? mode} ${what}`);
  const refusal = refuseForStanding(state.standing);
  if (mode !== to) failCallers(lock, callers, out);
  else if (state.standing.kind === 'isolated' && refusal !== null) {
    for (const { caller } of callers) out.reply(caller, refusal);
  } else answerConverted(state, lock, { from: before, callers }, out);
}

/** Whoever waited for something of a lock manager's process that has ended is told so. */
export function failCallers(
  lock: OwnLock,
  callers: readonly Caller[],
  out: EffectCollector,
): void {
  for (const { caller } of callers) out.reply(caller, refuseEnded(lock));
}

function refuseEnded(lock: OwnLock): ReturnType<typeof refuse> {
  const what = `while '${lock.facts.resource}' was asked for`;
  return refuse('LOCK_MANAGER', `the lock manager's process ended ${what}; try again`);
}
