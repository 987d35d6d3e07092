/** The middle one; of an even number the lower of the two, so that it is a measured one. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}

/**
 * The middle one of the slopes between all pairs of points (x, y): a leak shows in it, a single
 * step, as a heap makes when it grows once, does not.
 * @see Theil-Sen estimator
 */
export function slope(points) {
  const slopes = points.flatMap(([x, y], index) =>
    points.slice(index + 1).map(([otherX, otherY]) => (otherY - y) / (otherX - x)));
  return median(slopes);
}
