// Our side of the DLM benches: the public lock manager, with a number of locks in flight, each
// taken and unlocked again and again. One process for all rounds, as a daemon is.
//
//   node bench/dlm/loop.mjs LOCKSPACE [CHILD...]
//
// Reads one command a line, `fresh|local IN_FLIGHT DURATION_MS [PAIRS]`, and answers each with one
// line of JSON. CHILD replaces the child's command line.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { openLockManager } from '../../build/src/dlm/index.js';
import { usageOf, usedBetween } from './usage.mjs';

const [name, ...childCommand] = process.argv.slice(2);
const manager = openLockManager({
  log: (message) => console.error(message),
  ...(childCommand.length === 0 ? {} : { childCommand }),
});
const lockspace = await manager.openLockspace(name);
const processes = { parent: process.pid, child: childOf(process.pid) };
const prefix = `js${process.pid}`;
let names = 0;
console.log('{"ready":true}');

for await (const line of createInterface({ input: process.stdin })) {
  const [kind, inFlight, durationMs, pairsMax] = line.trim().split(/\s+/);
  console.log(JSON.stringify(
    await round(kind, Number(inFlight), Number(durationMs), Number(pairsMax ?? 0)),
  ));
}
await manager.close();

async function round(kind, inFlight, durationMs, pairsMax) {
  const startedMs = performance.now();
  const before = usageOf(processes);
  let begun = 0;
  let pairs = 0;
  const slot = async (index) => {
    const own = `${prefix}-slot-${index}`;
    while (pairsMax > 0 ? begun < pairsMax : performance.now() - startedMs < durationMs) {
      begun += 1;
      const resource = kind === 'fresh' ? `${prefix}-${names += 1}` : own;
      const { id, granted } = lockspace.take({ resource, mode: 'EX', wait: false });
      await granted;
      await lockspace.unlock(id);
      pairs += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, index) => slot(index)));
  const ms = performance.now() - startedMs;
  return {
    pairs, ms, pairsPerSecond: pairs / ms * 1_000,
    ...usedBetween(before, usageOf(processes), pairs),
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
  };
}

function childOf(pid) {
  return Number(readFileSync(`/proc/self/task/${pid}/children`, 'utf8').split(' ')[0]);
}
