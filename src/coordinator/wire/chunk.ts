import type { ManifestEntry } from '../core/message.js';
import { entryToWire } from './entry.js';
import { holdfast } from './generated/manifest.js';
import { ENTRIES_MAX, SNAPSHOT_BYTES_MAX } from './limits.js';

/** The tag and the length before each entry, at their longest. */
const ENTRY_OVERHEAD_BYTES = 6;

/**
 * Splits a manifest into the entries of its snapshot's parts, so that each part's entries take
 * at most `bytesMax` bytes (one entry that is longer makes a part of its own). Always at least
 * one part, so that an empty manifest is sent too. Throws WireError BAD_FIELD.
 */
export function chunkManifest(
  entries: readonly ManifestEntry[],
  bytesMax: number = SNAPSHOT_BYTES_MAX,
): readonly (readonly ManifestEntry[])[] {
  const parts: ManifestEntry[][] = [];
  let part: ManifestEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = entrySize(entry);
    if (part.length > 0 && (bytes + size > bytesMax || part.length === ENTRIES_MAX)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += size;
  }
  parts.push(part);
  return parts;
}

function entrySize(entry: ManifestEntry): number {
  return holdfast.v1.Entry.encode(entryToWire(entry)).len + ENTRY_OVERHEAD_BYTES;
}
