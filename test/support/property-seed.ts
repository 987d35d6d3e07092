import type { ExecutionContext } from 'ava';

/**
 * The seed of a random test: from HOLDFAST_SEED, else a new one; printed so that it can return.
 * In CI it is the test's own and the same each time, so that a change is judged by what it changed;
 * new seeds are played by everybody else who runs the tests.
 */
export function chooseSeed(t: ExecutionContext): number {
  const given = process.env['HOLDFAST_SEED'];
  const seed = given === undefined ? freshSeed(t.title) : Number(given);
  t.log(`seed ${seed} (HOLDFAST_SEED=${seed} runs it again)`);
  return seed;
}

function freshSeed(title: string): number {
  if (process.env['CI'] !== 'true') return Math.floor(Math.random() * 2 ** 31);
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(title)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 1;
}
