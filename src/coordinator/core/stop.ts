import { abandonConvert } from './convert.js';
import type { EffectCollector } from './effect.js';
import type { CoreEvent } from './event.js';
import { giveUpExplaining } from './explained-refusal.js';
import { canSend } from './manifest-sender.js';
import { callersOf, shownState } from './own-locks.js';
import { refuse } from './refusal.js';
import { beginRelease } from './release.js';
import type { OwnLock, State } from './state.js';
import { abandonTake, cancelCallers } from './waiting.js';

type StopEvent = Extract<CoreEvent, { kind: 'stop' }>;

/**
 * `starting | running -> stopping`, or a refusal: while locks are held, a stop needs to be told
 * whether to release them or to keep them as orphans for the next start.
 */
export function onStop(state: State, event: StopEvent, out: EffectCollector): void {
  if (state.life.kind === 'stopping' || state.life.kind === 'stopped') {
    out.reply(event.caller, refuse('STOPPING', 'the daemon is stopping already'));
    return;
  }
  const kept = [...state.locks.values()].filter(isKept);
  if (event.locks === 'refuse' && kept.length > 0) {
    const names = kept.slice(0, NAMES_MAX).map((lock) => `'${lock.facts.resource}'`);
    const more = kept.length > NAMES_MAX ? ` and ${kept.length - NAMES_MAX} more` : '';
    const text = `the daemon holds ${names.join(', ')}${more}: release them first, or stop it`;
    const how = `with 'release' (their protection ends) or 'keep' (adopted at the next start)`;
    out.reply(event.caller, refuse('LOCKS_HELD', `${text} ${how}`));
    return;
  }
  state.life = { kind: 'stopping', caller: event.caller, keep: event.locks === 'keep' };
  for (const lock of [...state.locks.values()]) {
    const { kind } = lock.phase;
    const isConverted = lock.phase.kind === 'claiming' && lock.phase.from !== null;
    const isHeld = kind === 'held' || kind === 'converting' || isConverted;
    const mustGo = kind === 'claiming' && event.locks !== 'keep';
    if (isHeld && event.locks === 'release') {
      cancelCallers(lock, out);
      beginRelease(state, lock, 'the daemon stops', null, out);
    } else if (lock.phase.kind === 'converting') abandonConvert(state, lock, lock.phase, out);
    else if (callersOf(lock.phase) !== null || mustGo) abandonTake(state, lock, out);
  }
}

const NAMES_MAX = 8;

function isKept(lock: OwnLock): boolean {
  const shown = shownState(lock.phase);
  return shown === 'held' || shown === 'orphaned' || shown === 'quarantined';
}

/** `stopping -> stopped` once nothing is under way any more: says goodbye and lets the shell go. */
export function finishStop(state: State, out: EffectCollector): void {
  if (state.life.kind !== 'stopping') return;
  const { caller, keep } = state.life;
  for (const lock of state.locks.values()) if (isUnderWay(state, lock)) return;
  // Whatever is still listed may be in the kernel: a release that could not be finished, too.
  const kept = state.locks.size;
  state.life = { kind: 'stopped' };
  giveUpExplaining(state, out);
  if (canSend(state)) out.send({ kind: 'goodbye', keepsLocks: keep || kept > 0 });
  out.reply(caller, { kind: 'stopped', kept });
}

/** What a stopped lockspace holds up is not waited for: it stays listed for the next start. */
function isUnderWay(state: State, lock: OwnLock): boolean {
  if (state.standing.kind !== 'ok') return false;
  const { kind } = lock.phase;
  return kind === 'taking' || kind === 'converting' || kind === 'releasing' || kind === 'adopting';
}
