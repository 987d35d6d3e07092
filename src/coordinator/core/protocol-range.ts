import { PROTOCOL_MAX, PROTOCOL_MIN, type ProtocolRange } from './message.js';

/** What this program speaks. */
export const OWN_PROTOCOLS: ProtocolRange = { min: PROTOCOL_MIN, max: PROTOCOL_MAX };

/** Whether there is no protocol that both sides speak. */
export function isForeign({ min, max }: ProtocolRange): boolean {
  return min > PROTOCOL_MAX || max < PROTOCOL_MIN;
}

/** `1`, or `1 to 2`. */
export function describeRange({ min, max }: ProtocolRange): string {
  return min === max ? String(min) : `${min} to ${max}`;
}
