import { REPLY_MS_MAX } from './limits.js';

const TIMER_MS_MAX = 2_147_483_647;

/**
 * How long a client waits, in ms, for an answer that the daemon itself waits for: longer than that,
 * so that it is the daemon that says why there was none. Null = for ever.
 */
export function waitTimeoutMs(waitMs: number | null): number | null {
  return waitMs === null ? null : Math.min(waitMs + REPLY_MS_MAX, TIMER_MS_MAX);
}
