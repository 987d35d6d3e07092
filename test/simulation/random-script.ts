import { createRandom } from '../../src/embedded/index.js';
import type { Op, Script } from './script.js';

const OPS_MIN = 4;
const OPS_MORE = 9;
const OWNERS = ['a', 'b', 'p1', 'p2'];
const RESOURCES = ['disk', 'image'];
const MODES = ['EX', 'EX', 'PR'] as const;
const WAITS_MS = [0, 0, 300, 5_000];

/** A life of several owners on one node or two, in an order that the seed decides. */
export function randomScript(seed: number): Script {
  const random = createRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  };
  const daemons = random() < 0.35 ? 2 : 1;
  const ops: Op[] = [];
  const count = OPS_MIN + Math.floor(random() * OPS_MORE);
  while (ops.length < count) {
    const node = daemons === 2 && random() < 0.5 ? 2 : 1;
    const whose = { node, owner: pick(OWNERS), resource: pick(RESOURCES) };
    const chance = random();
    if (chance < 0.32) {
      ops.push({ do: 'acquire', ...whose, mode: pick(MODES), waitMs: pick(WAITS_MS) });
    } else if (chance < 0.38) {
      const { owner } = whose;
      const mode = pick(MODES);
      ops.push({ do: 'acquire-set', node, owner, resources: RESOURCES, mode, waitMs: pick(WAITS_MS) });
    } else if (chance < 0.45) {
      ops.push({ do: 'convert', ...whose, mode: pick(MODES), waitMs: pick(WAITS_MS) });
    } else if (chance < 0.7) ops.push({ do: 'release', ...whose });
    else if (chance < 0.76) ops.push({ do: 'cancel', ...whose });
    else if (chance < 0.82) ops.push({ do: 'end', node, owner: pick(['p1', 'p2']) });
    else if (chance < 0.87) ops.push({ do: 'wait', ms: pick([50, 400, 3_000]) });
    else if (chance < 0.92) ops.push({ do: 'kill-child', node });
    else if (chance < 0.96) ops.push({ do: 'kill-daemon', node });
    else if (chance < 0.97) ops.push({ do: 'power-off', node });
    else ops.push({ do: 'settle' });
  }
  return { name: `random ${seed}`, seed, disorder: pick([0, 0.1, 0.3]), daemons, ops };
}
