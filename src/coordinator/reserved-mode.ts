import type { LockMode } from './core/mode.js';
import { CoordinatorError } from './error.js';

/**
 * Refuses what handovers need for themselves: while both ends have CW, whoever could ask for CR or
 * CW would be let in beside them by DLM, and no message between daemons could prevent it.
 *
 * @throws CoordinatorError MODE_RESERVED
 */
export function checkMode(mode: LockMode): void {
  if (mode !== 'CR' && mode !== 'CW') return;
  const text = `${mode} is reserved for handovers: no owner can have a lock in it`;
  throw new CoordinatorError('MODE_RESERVED', `${text}; take PR to share, PW or EX to exclude`);
}
