import type { Clock } from '../clock.js';
import type { CpgError } from './error.js';

/** A promise that is settled from outside, once, or by its time-out. */
export interface Settling {
  readonly promise: Promise<void>;
  settled(): boolean;
  resolve(): void;
  reject(reason: CpgError): void;
}

/** Makes one that rejects with `timedOut()` after `timeoutMs` ms. */
export function settling(clock: Clock, timeoutMs: number, timedOut: () => CpgError): Settling {
  let settled = false;
  let resolve: () => void = () => undefined;
  let reject: (reason: CpgError) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  const timer = clock.setTimer(timeoutMs, () => once(() => reject(timedOut())));
  const once = (settle: () => void): void => {
    if (settled) return;
    settled = true;
    timer.cancel();
    settle();
  };
  return {
    promise,
    settled: () => settled,
    resolve: () => once(resolve),
    reject: (reason) => once(() => reject(reason)),
  };
}
