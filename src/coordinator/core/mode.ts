/** The DLM modes, weakest first; the same words as the lock manager's port. */
export type LockMode = 'NL' | 'CR' | 'CW' | 'PR' | 'PW' | 'EX';

export const LOCK_MODES: readonly LockMode[] = ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'];

/** For each mode, the modes that others may hold beside it (the VMS matrix that DLM uses). */
const COMPATIBLE: Readonly<Record<LockMode, readonly LockMode[]>> = {
  NL: ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'],
  CR: ['NL', 'CR', 'CW', 'PR', 'PW'],
  CW: ['NL', 'CR', 'CW'],
  PR: ['NL', 'CR', 'PR'],
  PW: ['NL', 'CR'],
  EX: ['NL'],
};

/** Whether two holders may have these modes on one resource at the same time. */
export function areCompatible(one: LockMode, other: LockMode): boolean {
  return COMPATIBLE[one].includes(other);
}
