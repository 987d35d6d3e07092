import type { ClusterScript } from './op.js';
import { runCluster } from './run.js';

/** More runs than this are not worth it. */
const RUNS_MAX = 400;

/** A shorter script that goes wrong against the same invariant: pieces are left out, then less. */
export async function shrink(script: ClusterScript): Promise<ClusterScript> {
  const invariantOf = async (tried: ClusterScript): Promise<string | null> => {
    const { violations } = await runCluster(tried);
    return violations[0]?.split(':')[0] ?? null;
  };
  const wanted = await invariantOf(script);
  let least = script;
  let runs = 0;
  for (let piece = Math.ceil(script.ops.length / 2); piece >= 1; piece = Math.floor(piece / 2)) {
    for (let at = 0; at < least.ops.length && runs < RUNS_MAX;) {
      runs += 1;
      const ops = [...least.ops.slice(0, at), ...least.ops.slice(at + piece)];
      const tried = { ...least, ops };
      if ((await invariantOf(tried)) === wanted) least = tried;
      else at += piece;
    }
  }
  return least;
}
