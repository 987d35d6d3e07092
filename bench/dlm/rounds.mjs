import { row } from '../result.mjs';
import { median } from '../statistics.mjs';

/** What is asked of us, as a share of what C does in the same run. */
export const CASES = [
  { kind: 'fresh', inFlight: 1, target: 0.9 },
  { kind: 'fresh', inFlight: 16, target: 0.8 },
  { kind: 'fresh', inFlight: 128, target: 0.8 },
  { kind: 'local', inFlight: 1, target: 0.4 },
  { kind: 'local', inFlight: 16, target: 0.4 },
  { kind: 'local', inFlight: 128, target: 0.4 },
];

/**
 * Interleaved rounds of each case: the C twin, ours, and C with a plain LOCK and UNLOCK for
 * context. Before them `warmPairs` of ours alone: a daemon's code has been compiled long ago, which
 * takes tens of seconds where the compiler itself is emulated.
 */
export async function compare(sides, { title, cases, rounds, durationMs, warmPairs, say }) {
  for (const inFlight of [128, 16]) await sides.warm('local', inFlight, warmPairs / 2);
  const rows = [];
  for (const one of cases) {
    const result = await measure(sides, one, { rounds, durationMs });
    say(JSON.stringify({ title, ...one, ...result }));
    rows.push(rowOf(title, one, result));
  }
  return rows;
}

async function measure(sides, { kind, inFlight }, { rounds, durationMs }) {
  const rates = { c: [], ours: [], plain: [] };
  // Names become local, queues and caches fill: no round.
  await sides.ours(kind, inFlight, durationMs / 2);
  await sides.c('take', kind, inFlight, durationMs / 2);
  for (let round = 0; round < rounds; round += 1) {
    rates.c.push((await sides.c('take', kind, inFlight, durationMs)).pairsPerSecond);
    rates.ours.push((await sides.ours(kind, inFlight, durationMs)).pairsPerSecond);
    rates.plain.push((await sides.c('plain', kind, inFlight, durationMs)).pairsPerSecond);
  }
  const ratios = rates.ours.map((rate, round) => rate / rates.c[round]);
  return {
    ratio: median(ratios),
    ratios: ratios.map((ratio) => Number(ratio.toFixed(3))),
    c: median(rates.c),
    ours: median(rates.ours),
    plain: median(rates.plain),
  };
}

function rowOf(title, { kind, inFlight, target }, { ratio, c, ours, plain }) {
  const detail = `pairs/s: ours ${Math.round(ours)}, C ${Math.round(c)} `
    + `(C without NL first ${Math.round(plain)})`;
  return row(`${title}: ${kind} names, ${inFlight} in flight`, ratio, { atLeast: target }, detail);
}
