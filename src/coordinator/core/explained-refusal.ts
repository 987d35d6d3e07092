import type { EffectCollector } from './effect.js';
import { EXPLAIN_GRACE_MS } from './limits.js';
import { findHolders } from './lock-view.js';
import { refuseHeld } from './refusal.js';
import type { State, UnexplainedRefusal } from './state.js';

type Refusal = Omit<UnexplainedRefusal, 'deadlineMs'>;

/** Names the holder at once if it is known, or leaves its manifest a moment to arrive. */
export function refuseExplained(state: State, refusal: Refusal, out: EffectCollector): void {
  const { caller, code, resource, mode, except, kept } = refusal;
  const holders = findHolders(state, resource, mode, except);
  if (holders.length > 0) {
    out.reply(caller, refuseHeld(code, resource, mode, holders, kept));
    return;
  }
  const deadlineMs = state.monotonicMs + EXPLAIN_GRACE_MS;
  state.unexplained.push({ caller, code, resource, mode, except, kept, deadlineMs });
}

/** Answers the refusals whose holder is known by now, or whose moment has passed. */
export function settleUnexplained(state: State, out: EffectCollector): void {
  if (state.unexplained.length === 0) return;
  state.unexplained = state.unexplained.filter((open) => {
    const { caller, code, resource, mode, except, kept, deadlineMs } = open;
    const holders = findHolders(state, resource, mode, except);
    if (holders.length === 0 && state.monotonicMs < deadlineMs) return true;
    out.reply(caller, refuseHeld(code, resource, mode, holders, kept));
    return false;
  });
}

/** Answers all refusals that wait for an explanation: no more will come. */
export function giveUpExplaining(state: State, out: EffectCollector): void {
  for (const { caller, code, resource, mode, kept } of state.unexplained) {
    out.reply(caller, refuseHeld(code, resource, mode, [], kept));
  }
  state.unexplained = [];
}
