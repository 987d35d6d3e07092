import type { LockMode } from './request.js';

/** What a change of mode does to the lock value block when VALBLK is given. */
export type ValueEffect = 'read' | 'write' | 'none';

const STRENGTH: Readonly<Record<LockMode, number>> = { NL: 0, CR: 1, CW: 2, PR: 3, PW: 4, EX: 5 };

/**
 * Upwards, and to the same mode below PW, the value is read; from PW or EX to the same mode or a
 * weaker one it is written; any other way down does nothing. @see fs/dlm/lvb_table.h
 */
export function valueEffect(held: LockMode, asked: LockMode): ValueEffect {
  if (STRENGTH[asked] > STRENGTH[held]) {
    return 'read';
  }
  if (STRENGTH[held] >= STRENGTH.PW) {
    return 'write';
  }
  return held === asked ? 'read' : 'none';
}

/** Whether an unlock in this mode may write or invalidate the value. */
export function mayWriteAtUnlock(held: LockMode): boolean {
  return STRENGTH[held] >= STRENGTH.PW;
}
