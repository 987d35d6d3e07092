// Holds as many locks as it is told to, for memory.mjs: `node --expose-gc bench/list/holder.mjs
// DIRECTORY`; each command is a number of locks, its answer what they cost.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import { inFlight, nameOf, owner, startNode } from './node.mjs';

const AT_ONCE = 256;
const PAGE_BYTES = 4_096;
const WARM_ROUNDS = 3;
const WARM_LOCKS = 1_000;
/** A list that is compacted meanwhile keeps a copy of its lines. */
const SETTLE_MS = 3_000;

const [directory] = process.argv.slice(2);
const coordinator = await startNode({ directory });
const child = Number(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ')[0]);
let held = 0;
// What code and caches need is no lock's: it is there before the first measurement.
for (let round = 0; round < WARM_ROUNDS; round += 1) {
  await inFlight(WARM_LOCKS, AT_ONCE, (index) => acquire(index));
  await inFlight(WARM_LOCKS, AT_ONCE, (index) => release(index));
}
console.log('{"ready":true}');

for await (const line of createInterface({ input: process.stdin })) {
  const wanted = Number(line);
  const first = held + 1;
  await inFlight(wanted - held, AT_ONCE, (index) => acquire(first + index));
  held = wanted;
  await delay(SETTLE_MS);
  globalThis.gc();
  globalThis.gc();
  console.log(JSON.stringify({
    held: coordinator.status().locks.held, heap: process.memoryUsage().heapUsed,
    rss: residentBytes(process.pid), childRss: residentBytes(child),
  }));
}
process.exit();

function acquire(index) {
  const { signal } = new AbortController();
  return coordinator.acquire({ resource: nameOf(index), mode: 'EX', owner, waitMs: 0, signal });
}

function release(index) {
  const { signal } = new AbortController();
  return coordinator.release({ resource: nameOf(index), owner, signal });
}

function residentBytes(pid) {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}
