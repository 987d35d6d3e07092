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

/**
 * Whether who holds `held` is protected at least as well as with `asked`: whatever it lets others
 * have beside it, `asked` would let them have too. CW and PR do not cover each other.
 */
export function covers(held: LockMode, asked: LockMode): boolean {
  return COMPATIBLE[held].every((mode) => COMPATIBLE[asked].includes(mode));
}

/** The weakest mode that covers both: the stronger of the two, or PW for CW and PR. */
export function joinModes(one: LockMode, other: LockMode): LockMode {
  return LOCK_MODES.find((mode) => covers(mode, one) && covers(mode, other)) ?? 'EX';
}

/** Whether a grant in this mode needs a generation: no two nodes hold such a mode at once. */
export function needsGeneration(mode: LockMode): boolean {
  return mode === 'EX' || mode === 'PW';
}
