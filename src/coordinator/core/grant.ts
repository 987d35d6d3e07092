import { numberField } from './record.js';
import type { EffectCollector } from './effect.js';
import { gather, isGathered } from './gather.js';
import { handoverField } from './handover.js';
import { viewOwnLock } from './lock-view.js';
import { areCompatible } from './mode.js';
import { setPhase } from './own-locks.js';
import type { Caller, OwnLock, State } from './state.js';

/**
 * `taking | claiming -> held`, or `-> gathered` for a set that is under way: written, then told to
 * everyone who waits for it. `generation` is null for a mode that others may share.
 */
export function becomeHeld(
  state: State,
  lock: OwnLock,
  callers: readonly Caller[],
  generation: number | null,
  out: EffectCollector,
): void {
  const { id, resource, mode } = lock.facts;
  const from = lock.phase.kind === 'claiming' ? lock.phase.from : null;
  lock.generation = generation;
  // Who is alone has ended its handover.
  if (generation !== null) lock.handover = null;
  if (isGathered(state, lock)) {
    gather(state, lock, callers, out);
    return;
  }
  if (from !== null) lock.sinceMs = state.wallMs;
  setPhase(state, lock, { kind: 'held' });
  const number = numberField(generation);
  const converted = from === null ? {} : { mode };
  out.persist({
    kind: 'held', at: state.wallMs, id, ...converted, ...number, ...handoverField(lock.handover),
  });
  // What a convert began is explained by its `converting` record, whatever becomes of this one.
  if (from === null) out.confirmHeld(id);
  const note = noteOnGrant(state, lock);
  const view = { ...viewOwnLock(state, lock), note };
  for (const { caller } of callers) {
    out.reply(caller, from === null
      ? { kind: 'acquired', id, lock: view, acquired: true }
      : { kind: 'converted', id, lock: view, from, pending: false });
  }
  if (note !== null) out.log('info', `'${resource}' ${note}`);
}

/** How long after a holder's node death the first grant came; null when none died. */
function noteOnGrant(state: State, lock: OwnLock): string | null {
  for (const peer of state.peers.values()) {
    const { resource } = lock.facts;
    if (peer.nodeDownMs === null || peer.inherited.has(resource)) continue;
    const had = peer.entries.on(resource).some(({ mode }) => {
      return !areCompatible(mode, lock.facts.mode);
    });
    if (!had) continue;
    peer.inherited.add(resource);
    const afterMs = Math.round(state.monotonicMs - peer.nodeDownMs);
    return `was granted ${afterMs} ms after corosync reported ${peer.name} gone`;
  }
  return null;
}
