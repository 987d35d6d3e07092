import * as c from './constants.js';
import type { ChangeReason } from './port.js';

/** The name of a CPG_REASON_*; a number of a newer corosync becomes `undefined`. */
export function reasonOf(reason: number): ChangeReason {
  return REASONS.get(reason) ?? 'undefined';
}

const REASONS: ReadonlyMap<number, ChangeReason> = new Map([
  [c.CPG_REASON_UNDEFINED, 'undefined'],
  [c.CPG_REASON_JOIN, 'join'],
  [c.CPG_REASON_LEAVE, 'leave'],
  [c.CPG_REASON_NODEDOWN, 'nodedown'],
  [c.CPG_REASON_NODEUP, 'nodeup'],
  [c.CPG_REASON_PROCDOWN, 'procdown'],
]);
