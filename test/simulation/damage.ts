import type { CrashPlan } from './boundaries.js';

/** The file as that damage leaves it: its last bytes missing, or one bit another. */
export function damaged(bytes: Buffer, { kind, amount }: CrashPlan): Buffer {
  if (kind === 'cut') return bytes.subarray(0, Math.max(0, bytes.byteLength - amount));
  const changed = Buffer.from(bytes);
  const at = Math.floor(amount / 8) % Math.max(1, changed.byteLength);
  changed[at] = (changed[at] ?? 0) ^ (1 << (amount % 8));
  return changed;
}
