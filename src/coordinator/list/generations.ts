/** What one reservation gives: large, since it costs a sync; small, since a crash wastes it. */
export const GENERATIONS_BLOCK = 1_024;
/** The highest mark: numbers beyond it are not exact in JSON. */
export const GENERATION_MAX = Number.MAX_SAFE_INTEGER;

/** Generations that nobody was given before and nobody will be given again; both ends belong. */
export interface GenerationBlock {
  readonly first: number;
  readonly last: number;
}

/** How far generations were reserved when the list was opened. */
export interface FoundGenerations {
  /** 0 when none ever were. */
  readonly upTo: number;
  /** False when damage may have taken a later mark: look elsewhere too before giving any. */
  readonly certain: boolean;
}

/** The block above both; null when the numbers are used up. */
export function blockAbove(mark: number, above: number): GenerationBlock | null {
  const first = Math.max(mark, above) + 1;
  const last = first + GENERATIONS_BLOCK - 1;
  return Number.isSafeInteger(last) ? { first, last } : null;
}
