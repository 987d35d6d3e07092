import type { CpgError } from '../error.js';

/** The two ends of a promise that somebody awaits. */
export interface Settler {
  readonly resolve: () => void;
  readonly reject: (reason: CpgError) => void;
}
