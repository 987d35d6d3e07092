import type { ExecutionContext } from 'ava';

/** The seed of a random test: from HOLDFAST_SEED, else a new one; printed so that it can return. */
export function chooseSeed(t: ExecutionContext): number {
  const given = process.env['HOLDFAST_SEED'];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  t.log(`seed ${seed} (HOLDFAST_SEED=${seed} runs it again)`);
  return seed;
}
