import type { CpgError } from '../error.js';

/** The two ends of a promise that somebody awaits. */
export interface Settler {
  readonly resolve: () => void;
  readonly reject: (reason: CpgError) => void;
}

export interface Deferred extends Settler {
  readonly promise: Promise<void>;
}

/** A promise with its two ends. */
export function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  let reject: (reason: CpgError) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
