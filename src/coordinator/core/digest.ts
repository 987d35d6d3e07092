import type { ManifestEntry } from './message.js';
import { ownerKey } from './owner.js';

/**
 * A fingerprint of a manifest's entries, 16 hex digits: for each entry two hashes, added up over
 * all of them. Being a sum it does not depend on their order, and one entry more or less is one
 * step. It finds missed changes; it is no defence against forgery.
 */
export class EntrySum {
  #low = 0;
  #high = 0;

  add(entry: ManifestEntry): void {
    const text = entryText(entry);
    this.#low = (this.#low + lowHash(text)) | 0;
    this.#high = (this.#high + highHash(text)) | 0;
  }

  remove(entry: ManifestEntry): void {
    const text = entryText(entry);
    this.#low = (this.#low - lowHash(text)) | 0;
    this.#high = (this.#high - highHash(text)) | 0;
  }

  get digest(): string {
    return hex(this.#high) + hex(this.#low);
  }
}

/** The digest of these entries, each counted once. */
export function digestEntries(entries: Iterable<ManifestEntry>): string {
  const sum = new EntrySum();
  for (const entry of entries) sum.add(entry);
  return sum.digest;
}

/** 16 hex digits that stand for these texts in their order. */
export function fingerprint(texts: readonly string[]): string {
  let low = FNV_OFFSET;
  let high = FNV_OFFSET_HIGH;
  for (const text of texts) {
    low = fnv1a(low, text);
    high = fnv1a(high, `${text}~`);
  }
  return hex(high) + hex(low);
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_OFFSET_HIGH = FNV_OFFSET ^ 0x5bd1e995;
const FNV_PRIME = 0x01000193;

/** Only what every protocol has: a field that came later would differ where it is not known. */
function entryText(entry: ManifestEntry): string {
  const owner = entry.owner === null ? '' : ownerKey(entry.owner);
  const { id, resource, lockspace, mode, state, since } = entry;
  return JSON.stringify([id, resource, lockspace, mode, state, owner, since]);
}

function lowHash(text: string): number {
  return mix(fnv1a(FNV_OFFSET, text));
}

function highHash(text: string): number {
  return mix(fnv1a(FNV_OFFSET_HIGH, text) ^ text.length);
}

function fnv1a(seed: number, text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  }
  return hash;
}

/** Spreads every bit over all others, so that sums of like entries do not look alike. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
