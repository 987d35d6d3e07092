import { CANCEL_GRACE_MS, DIGEST_INTERVAL_MS, REQUEST_RETRY_MS } from './limits.js';
import { nextHandoverMs } from './handover-drive.js';
import { nextDueMs } from './generations.js';
import { canSend } from './manifest-sender.js';
import { callersOf, waitingLocks } from './own-locks.js';
import { ghostDueMs } from './ghosts.js';
import { recheckDueMs } from './recheck-state.js';
import type { LockPhase, State } from './state.js';

/** When the core next needs a `tick`, monotonic ms; the shell keeps one timer for it. */
export function nextDeadlineMs(state: State): number {
  // A digest that cannot be sent must not be due at once again and again.
  let next = canSend(state) ? state.digestDueMs : state.monotonicMs + DIGEST_INTERVAL_MS;
  for (const lock of waitingLocks(state)) {
    const { phase } = lock;
    const graceMs = isCancelled(phase) ? CANCEL_GRACE_MS : 0;
    for (const { deadlineMs } of callersOf(phase) ?? []) {
      if (deadlineMs !== null) next = Math.min(next, deadlineMs + graceMs);
    }
  }
  for (const { phase } of state.sets.values()) {
    if (phase.kind === 'rolling-back') next = Math.min(next, phase.untilMs);
  }
  for (const { deadlineMs } of state.unexplained) next = Math.min(next, deadlineMs);
  for (const { requestedMs } of state.peers.values()) {
    if (requestedMs !== null) next = Math.min(next, requestedMs + REQUEST_RETRY_MS);
  }
  for (const dueMs of [recheckDueMs(state), ghostDueMs(state)]) {
    if (dueMs !== null) next = Math.min(next, dueMs);
  }
  const handoverMs = nextHandoverMs(state);
  if (handoverMs !== null) next = Math.min(next, handoverMs);
  const generationsMs = canSend(state) ? nextDueMs(state.generations) : null;
  return generationsMs === null ? next : Math.min(next, generationsMs);
}

function isCancelled(phase: LockPhase): boolean {
  if (phase.kind === 'converting') {
    return phase.progress === 'timeout' || phase.progress === 'canceled';
  }
  return phase.kind === 'taking' && phase.cancelling !== 'no';
}
