import { createRandom } from '../../../src/embedded/index.js';
import type { ClusterScript, Op } from './op.js';
import { OPERATIONS } from './operations.js';

const OWNERS = ['vm-a', 'vm-b', 'p-1', 'p-2'];
const RESOURCES = ['disk', 'image', 'mount'];
const MODES = ['EX', 'EX', 'EX', 'PR', 'PR', 'PW', 'NL'] as const;
const WAITS_MS = [0, 0, 0, 500, 5_000, 30_000, null];
const PAUSES_MS = [0, 0, 0, 10, 100, 400, 2_000];
/** Mostly small: they are quicker, and find the same. */
const SIZES = [2, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5];
const LARGE_EVERY = 80;
export const NODES_MAX = 16;

/** A life of that many steps, 3 to 16 nodes unless said, all decided by the seed. */
export function randomClusterScript(
  seed: number, steps: number, nodesAsked: number | null = null,
): ClusterScript {
  const random = createRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  };
  const nodes = nodesAsked ?? (seed % LARGE_EVERY === 0 ? NODES_MAX : pick(SIZES));
  const bag = Object.entries(OPERATIONS).flatMap(([name, { weight }]) =>
    Array.from({ length: weight }, () => name));
  // Few of them are met by many faults of one kind, and the other way round.
  const rare = new Set(Object.keys(OPERATIONS).filter((name) =>
    OPERATIONS[name]?.isFault === true && random() < 0.4));
  const named = bag.filter((name) => !rare.has(name));
  const ops = Array.from({ length: steps }, (): Op => ({
    do: pick(named), node: 1 + Math.floor(random() * nodes), owner: pick(OWNERS),
    resource: pick(RESOURCES), mode: pick(MODES), waitMs: pick(WAITS_MS), amount: random(),
    thenMs: pick(PAUSES_MS),
  }));
  return {
    seed, nodes, ops, disorder: pick([0, 0.1, 0.3]), isApart: random() < 0.4,
    fencingMs: pick([50, 200, 2_000]), recoveryMs: pick([0, 50, 3_000]),
    jitterMs: pick([0, 3, 40]), loneEchoRate: pick([0, 0.5]),
  };
}
