import type { RingId } from '../../cpg/index.js';

/** One configuration of the totem ring: who is in it, and the number that tells it apart. */
export interface Ring {
  readonly id: RingId;
  /** Ascending. */
  readonly nodeIds: readonly number[];
}

/** Every ring's number is this much above the highest that its members knew before. */
const SEQ_STEP = 4n;

/** The ring of these nodes after all that its members have been in. */
export function nextRing(nodeIds: readonly number[], seqHighest: bigint): Ring {
  const ordered = [...nodeIds].sort((a, b) => a - b);
  const [representative] = ordered;
  if (representative === undefined) throw new Error('a ring has at least one node');
  return { id: { nodeId: representative, seq: seqHighest + SEQ_STEP }, nodeIds: ordered };
}
