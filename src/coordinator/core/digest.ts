import type { ManifestEntry } from './message.js';
import { ownerKey } from './owner.js';

/**
 * A fingerprint of a manifest's entries, 16 hex digits, whatever their order: two FNV-1a hashes
 * over the entries by id. It finds missed changes; it is no defence against forgery.
 */
export function digestEntries(entries: Iterable<ManifestEntry>): string {
  const ordered = [...entries].sort((one, other) => one.id - other.id);
  return fingerprint(ordered.map(entryText));
}

/** 16 hex digits that stand for these texts in their order. */
export function fingerprint(texts: readonly string[]): string {
  let low = FNV_OFFSET;
  let high = FNV_OFFSET ^ 0x5bd1e995;
  for (const text of texts) {
    low = fnv1a(low, text);
    high = fnv1a(high, `${text}~`);
  }
  return hex(high) + hex(low);
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function entryText(entry: ManifestEntry): string {
  const owner = entry.owner === null ? '' : ownerKey(entry.owner);
  const { id, resource, lockspace, mode, state, since } = entry;
  return JSON.stringify([id, resource, lockspace, mode, state, owner, since]);
}

function fnv1a(seed: number, text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  }
  return hash;
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
