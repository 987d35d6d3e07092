import { median } from '../statistics.mjs';

/** The cases of the bench: what is asked of us, as a share of what C does in the same run. */
export const CASES = [
  { kind: 'fresh', inFlight: 1, target: 0.9 },
  { kind: 'fresh', inFlight: 16, target: 0.8 },
  { kind: 'fresh', inFlight: 128, target: 0.8 },
  { kind: 'local', inFlight: 1, target: 0.4 },
  { kind: 'local', inFlight: 16, target: 0.4 },
  { kind: 'local', inFlight: 128, target: 0.4 },
];

/**
 * Interleaved rounds of one case: the C twin, ours, and a plain LOCK+UNLOCK of C for context.
 * `ours` and `c` each run one round and give `pairsPerSecond`.
 */
export async function measure({ kind, inFlight, target }, { ours, c, rounds, durationMs }) {
  const rates = { c: [], ours: [], plain: [] };
  // What the just-in-time compiler and the directory of names have to learn is no round.
  await ours(kind, inFlight, durationMs);
  await c('take', kind, inFlight, durationMs);
  for (let round = 0; round < rounds; round += 1) {
    rates.c.push((await c('take', kind, inFlight, durationMs)).pairsPerSecond);
    rates.ours.push((await ours(kind, inFlight, durationMs)).pairsPerSecond);
    rates.plain.push((await c('plain', kind, inFlight, durationMs)).pairsPerSecond);
  }
  const ratios = rates.ours.map((rate, round) => rate / rates.c[round]);
  return {
    what: `${kind} names, ${inFlight} in flight`,
    target,
    ratio: median(rates.ours) / median(rates.c),
    ratios,
    c: median(rates.c),
    ours: median(rates.ours),
    plain: median(rates.plain),
  };
}
