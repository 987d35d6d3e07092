/** How many edits a word may be away and still be offered as what was meant. */
const EDITS_MAX = 3;

/** The known key that is fewest edits away from `key`; null when none is near. */
export function nearestKey(key: string, knownKeys: readonly string[]): string | null {
  let best: { readonly known: string; readonly edits: number } | null = null;
  for (const known of knownKeys) {
    const edits = countEdits(normalize(key), normalize(known));
    if (edits <= allowance(known) && (best === null || edits < best.edits)) {
      best = { known, edits };
    }
  }
  return best?.known ?? null;
}

/** Short keys are near to everything, so they allow less. */
function allowance(known: string): number {
  return Math.min(EDITS_MAX, Math.ceil(known.length / 3));
}

/** `nodeName`, `node-name` and `NODE_NAME` all mean `node_name`. */
function normalize(key: string): string {
  return key.toLowerCase().replaceAll(/[-_ ]/g, '');
}

/** Levenshtein's distance, by rows. */
function countEdits(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1);
      const removed = (previous[column] ?? 0) + 1;
      const added = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, removed, added));
    }
    previous = current;
  }
  return previous[other.length] ?? 0;
}
