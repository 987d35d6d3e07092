import type { Answer, EffectCollector } from './effect.js';
import type { CoreEvent } from './event.js';
import { findOrphan, whyByHand } from './quarantine.js';
import { refuse } from './refusal.js';
import { beginRelease, joinRelease, releaseOnAdoption } from './release.js';
import type { State } from './state.js';

type ReleaseOrphanEvent = Extract<CoreEvent, { kind: 'release-orphan' }>;

const PENDING: Answer = { kind: 'released', released: true, pending: true };

/**
 * `quarantined -> releasing`, or `orphaned | adopting -> the same, to be released`. The only way
 * out of quarantine: somebody says by hand, with a reason that is logged and listed, that nothing
 * needs the lock any more. Whatever still writes under it is unprotected from then on.
 */
export function onReleaseOrphan(
  state: State,
  event: ReleaseOrphanEvent,
  out: EffectCollector,
): void {
  const { caller, reason, by } = event;
  if (state.life.kind === 'stopped') {
    out.reply(caller, refuse('STOPPING', 'the daemon has stopped'));
    return;
  }
  const why = whyByHand(reason, by);
  const found = findOrphan(state, event, why);
  if (found.kind === 'refused') {
    out.reply(caller, found);
    return;
  }
  const { lock } = found;
  if (found.kind === 'releasing') {
    joinRelease(state, lock, caller, out);
    return;
  }
  out.log('warn', `'${lock.facts.resource}' (${lock.facts.mode}) is ${why}`);
  const { phase } = lock;
  if (phase.kind === 'orphaned' || phase.kind === 'adopting') {
    releaseOnAdoption(state, lock, phase, why, out);
    out.reply(caller, PENDING);
  } else beginRelease(state, lock, why, caller, out);
}
