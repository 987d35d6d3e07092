import {
  LKF_ALTPR, LKF_CONVERT, LKF_EXPEDITE, LKF_HEADQUE, LKF_NOORDER, LKF_NOQUEUE, LKF_PERSISTENT,
  LKF_QUECVT, SBF_ALTMODE,
} from '../constants.js';
import type { LockMode } from '../port.js';

/**
 * The first conversion of a persistent take, from NL. QUECVT makes those that wait first come,
 * first served: without it readers that keep coming would pass a waiting writer for ever.
 */
export function firstConvertFlags(mode: LockMode, wait: boolean, flags: number): number {
  // PERSISTENT comes with a conversion only, so NL is converted to itself; that never waits.
  if (mode === 'NL') {
    return LKF_CONVERT | LKF_PERSISTENT | LKF_NOQUEUE | flags;
  }
  const passing = (flags & (LKF_HEADQUE | LKF_NOORDER)) !== 0;
  const order = passing ? 0 : LKF_QUECVT;
  return LKF_CONVERT | LKF_PERSISTENT | (wait ? order : LKF_NOQUEUE) | flags;
}

/** A conversion of a held lock. Its flags replace the lock's: PERSISTENT has to be said again. */
export function convertFlags(persistent: boolean, wait: boolean, flags: number): number {
  return LKF_CONVERT | (persistent ? LKF_PERSISTENT : 0) | (wait ? 0 : LKF_NOQUEUE) | flags;
}

/**
 * A new request that is not persistent. NL is expedited, as the one of a persistent take is:
 * otherwise even NL would queue behind whoever waits for a convert. The kernel wants EXPEDITE
 * without NOQUEUE.
 */
export function requestFlags(mode: LockMode, wait: boolean, flags: number): number {
  if (mode === 'NL') {
    return LKF_EXPEDITE | flags;
  }
  return (wait ? 0 : LKF_NOQUEUE) | flags;
}

/** The mode that was granted, where the kernel was free to choose. @see fs/dlm/lock.c */
export function grantedModeOf(asked: LockMode, flags: number, statusFlags: number): LockMode {
  if ((statusFlags & SBF_ALTMODE) === 0) {
    return asked;
  }
  return asked !== 'PR' && (flags & LKF_ALTPR) !== 0 ? 'PR' : 'CW';
}
