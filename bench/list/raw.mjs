// What an acquire and a release cost at least: one write to the list and one lock operation through
// the child each. `node bench/list/raw.mjs DIRECTORY`; commands `IN_FLIGHT DURATION_MS`.
import { createInterface } from 'node:readline';

import { factsOf, LOCKSPACE, openList, stubLockManager } from './node.mjs';

const [directory] = process.argv.slice(2);
const { list } = await openList(directory);
const lockspace = await stubLockManager().openLockspace(LOCKSPACE);
let ids = 0;
console.log('{"ready":true}');

for await (const line of createInterface({ input: process.stdin })) {
  const [atOnce, durationMs] = line.split(' ').map(Number);
  console.log(JSON.stringify(await round(atOnce, durationMs)));
}
process.exit();

async function round(atOnce, durationMs) {
  const startedMs = performance.now();
  let pairs = 0;
  const slot = async () => {
    while (performance.now() - startedMs < durationMs) {
      ids += 1;
      const lock = factsOf(ids);
      await list.append([{ kind: 'intent', at: Date.now(), lock }]);
      const { id, granted } = lockspace.take({ resource: lock.lockName, mode: 'EX', wait: false });
      await granted;
      await list.append([{ kind: 'dropped', at: Date.now(), id: lock.id, why: 'released' }]);
      await lockspace.unlock(id);
      pairs += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, slot));
  return { pairs, pairsPerSecond: pairs / (performance.now() - startedMs) * 1_000 };
}
