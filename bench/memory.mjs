import { row } from './result.mjs';
import { slope } from './statistics.mjs';

/** Growth over what is looked at that still counts as flat, in KiB. */
export const GROWTH_KIB_MAX = { resident: 4_096, held: 256 };

/** After a collection (--expose-gc), in KiB: all that is resident, what JavaScript holds of it. */
export function sampleMemory() {
  globalThis.gc();
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss / 1024, held: (heapUsed + external) / 1024 };
}

/**
 * Two rows for the points of a soak ({ at, resident, held }): the slope over the second half, since
 * the first is warming up (compiled code, the heap's steady size), and the largest single step.
 */
export function memoryRows(what, points, say, growthKibMax = GROWTH_KIB_MAX) {
  const steady = points.slice(points.length >> 1);
  return ['resident', 'held'].map((of) => {
    say(`soak: ${what}, ${of} KiB ${points.map((point) => point[of].toFixed(0)).join(' ')}`);
    const [first, last] = [steady[0], steady.at(-1)];
    const perUnit = slope(steady.map((point) => [point.at, point[of]]));
    const span = last.at - first.at;
    const detail =
      `${(perUnit * 1024).toFixed(2)} bytes each; ${first[of].toFixed(0)} KiB, then ` +
      `${last[of].toFixed(0)} KiB; largest step of the whole run ${stepOf(points, of)}`;
    return row(`memory ${of}, slope over ${span} ${what}`, perUnit * span,
      { atMost: growthKibMax[of] }, detail, 'KiB');
  });
}

function stepOf(points, of) {
  const steps = points.slice(1).map((point, index) =>
    ({ at: point.at, kib: point[of] - points[index][of] }));
  const { at, kib } = steps.reduce((most, step) => (step.kib > most.kib ? step : most));
  return `${kib.toFixed(0)} KiB before ${at}`;
}
