import type { HandoverFacts } from './handover.js';
import { OFFER_MS } from './limits.js';
import type { OwnLock, State } from './state.js';

/** What the list of an earlier run says, taken up; an offer stands for the usual time once more. */
export function resumeHandover(state: State, lock: OwnLock, facts: HandoverFacts): void {
  const untilMs = facts.step === 'offered' ? state.monotonicMs + OFFER_MS : null;
  lock.handover = { ...facts, untilMs, triedMs: null };
  state.handoverIds.add(lock.facts.id);
}
