import type { LockMode, LockValue } from '../../dlm/index.js';
import { valueEffect } from '../../dlm/value-effect.js';
import { grantedMode, type EngineLock } from './lock.js';
import { rankOf } from './mode.js';

const VALUE_BYTES = 32;

/** The lock value block of one resource, as its master keeps it. */
export interface ResourceValue {
  /** Null until it is written for the first time. */
  readonly bytes: Uint8Array | null;
  /** VALNOTVALID: kept also while there are no bytes, but told only with some. */
  readonly invalid: boolean;
  readonly sequence: number;
}

export const NO_VALUE: ResourceValue = { bytes: null, invalid: false, sequence: 0 };

/** What the change of mode does to the value, and what the lock reads. @see set_lvb_lock */
export function exchangeValue(
  value: ResourceValue, lock: EngineLock, from: LockMode | null, to: LockMode,
): ResourceValue {
  const { flags } = lock;
  const effect = from === null ? 'read' : valueEffect(from, to);
  if (effect === 'write' && flags.value === 'invalidate') {
    return { ...value, invalid: true };
  }
  if (effect === 'write' && flags.value instanceof Uint8Array) {
    const sequence = value.sequence + 1;
    lock.valueCopy = { bytes: flags.value, sequence };
    return { bytes: flags.value, invalid: false, sequence };
  }
  if (effect === 'read' && flags.value === 'read') {
    const bytes = value.bytes ?? new Uint8Array(VALUE_BYTES);
    lock.valueCopy = { bytes, sequence: value.sequence };
    lock.read = { bytes: Uint8Array.from(bytes), valid: value.bytes === null || !value.invalid };
  }
  return value;
}

/** What an unlock does to the value: only invalidate it. @see set_lvb_unlock */
export function leaveValue(
  value: ResourceValue, lock: EngineLock, request: 'invalidate' | null,
): ResourceValue {
  const held = grantedMode(lock);
  const writes = held !== null && rankOf(held) >= rankOf('PW');
  return writes && request === 'invalidate' ? { ...value, invalid: true } : value;
}

/** True for a lock whose death leaves the value in doubt: it may have been about to write. */
export function leavesDoubt(lock: EngineLock): boolean {
  const held = grantedMode(lock);
  return usesValue(lock) && held !== null && rankOf(held) >= rankOf('PW');
}

/**
 * The value after its master has died, from what the locks that are left have seen of it. Whoever
 * holds more than CR has the newest; with NL and CR only, it is the newest that anyone has seen,
 * and in doubt; without any lock that uses it, it is forgotten **without a sign**.
 * @see recover_lvb in fs/dlm/recover.c
 */
export function recoverValue(locks: readonly EngineLock[]): ResourceValue {
  const users = locks.filter(usesValue);
  if (users.length === 0) return NO_VALUE;
  const sure = users.find((lock) => rankOf(grantedMode(lock) ?? 'NL') > rankOf('CR'));
  const newest = sure ?? [...users].sort((a, b) => sequenceOf(b) - sequenceOf(a))[0];
  return {
    bytes: newest?.valueCopy?.bytes ?? new Uint8Array(VALUE_BYTES),
    invalid: sure === undefined,
    sequence: newest === undefined ? 0 : sequenceOf(newest),
  };
}

/** What a grant tells about the value: null unless it was to be read. */
export function takeRead(lock: EngineLock): LockValue | null {
  const { read } = lock;
  lock.read = null;
  return read;
}

function usesValue({ flags }: EngineLock): boolean {
  return flags.value === 'read' || flags.value instanceof Uint8Array;
}

function sequenceOf({ valueCopy }: EngineLock): number {
  return valueCopy?.sequence ?? 0;
}
