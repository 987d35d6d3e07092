import type { EffectCollector } from './effect.js';
import { driveDestination } from './handover-destination.js';
import { settleHandoverCallers } from './handover-callers.js';
import { driveSource } from './handover-source.js';
import { HANDOVER_RETRY_MS } from './limits.js';
import { isInQuestion } from './recheck-state.js';
import type { OwnLock, State } from './state.js';

/**
 * At the end of every step: moves each handover on as far as what is known now allows. Looks at
 * states, not at messages, so nothing is missed that was told while nobody listened. Does nothing
 * while this node may not vouch for locks, or cannot list what it does.
 */
export function driveHandovers(state: State, out: EffectCollector): void {
  if (mayDrive(state)) {
    for (const lock of handedOver(state)) {
      const { handover, phase, facts } = lock;
      if (handover === null || phase.kind !== 'held' || facts.mode !== 'CW') continue;
      // What may be lost is not reasoned with.
      if (isInQuestion(state, lock)) continue;
      if (handover.role === 'source') driveSource(state, lock, handover, out);
      else driveDestination(state, lock, handover, out);
    }
  }
  settleHandoverCallers(state, out);
}

function mayDrive({ life, standing, list }: State): boolean {
  return life.kind === 'running' && standing.kind === 'ok' && list.kind !== 'failed';
}

function handedOver(state: State): readonly OwnLock[] {
  return [...state.handoverIds].flatMap((id) => state.locks.get(id) ?? []);
}

/** When a handover is to be looked at without any other reason, monotonic ms; null when never. */
export function nextHandoverMs(state: State): number | null {
  let next: number | null = null;
  for (const { handover } of handedOver(state)) {
    if (handover === null) continue;
    const retryMs = handover.triedMs === null ? null : handover.triedMs + HANDOVER_RETRY_MS;
    for (const dueMs of [handover.untilMs, retryMs]) {
      if (dueMs === null) continue;
      // What is overdue waits for something else; it is not looked at again and again.
      const laterMs = dueMs > state.monotonicMs ? dueMs : state.monotonicMs + HANDOVER_RETRY_MS;
      next = Math.min(next ?? laterMs, laterMs);
    }
  }
  for (const { deadlineMs } of state.handoverCallers) {
    if (deadlineMs !== null) next = Math.min(next ?? deadlineMs, deadlineMs);
  }
  return next;
}
