import type { LockMode } from '../../dlm/index.js';

/** The six modes, weakest first. */
export const LOCK_MODES: readonly LockMode[] = ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'];

/** Which modes may be granted beside each other; symmetric. */
const COMPATIBLE: Readonly<Record<LockMode, readonly LockMode[]>> = {
  NL: ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'],
  CR: ['NL', 'CR', 'CW', 'PR', 'PW'],
  CW: ['NL', 'CR', 'CW'],
  PR: ['NL', 'CR', 'PR'],
  PW: ['NL', 'CR'],
  EX: ['NL'],
};

/** True when locks in these two modes may be granted at once on one resource. */
export function areCompatible(granted: LockMode, requested: LockMode): boolean {
  return COMPATIBLE[granted].includes(requested);
}

/** The mode's number, as in the kernel: NL 0 … EX 5. */
export function rankOf(mode: LockMode): number {
  return LOCK_MODES.indexOf(mode);
}
