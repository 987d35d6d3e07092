// What it takes to acquire, show, announce, adopt and release so many locks, in us a lock of
// processor time (all threads) and of the clock, over the embedded lock manager and a list on disk,
// for growth.mjs:
// `node --expose-gc bench/list/grower.mjs DIRECTORY LOCKS`.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { createCluster, systemClock } from '../../build/src/embedded/index.js';
import { inFlight, nameOf, owner, startNode, until } from './node.mjs';

const AT_ONCE = 256;
const CHURN = 300;

const [directory, locksText] = process.argv.slice(2);
const locks = Number(locksText);
const cluster = createCluster({
  nodes: [{ id: 1, name: 'n1' }, { id: 2, name: 'n2' }], clock: systemClock,
});
const [own, other] = [1, 2].map((id) => {
  const folder = join(directory, `n${id}`);
  mkdirSync(folder);
  return { directory: folder, embedded: true, node: cluster.node(id) };
});
const us = { cpu: {}, clock: {} };
let coordinator = await startNode(own);

await timed('acquire', locks, () => inFlight(locks, AT_ONCE, (index) => acquire(index)));
// With all of them held, by what each costs that comes and goes.
await timed('one more', CHURN, () => inFlight(CHURN, 1, async (index) => {
  await acquire(locks + index);
  await release(locks + index);
}));
await timed('status', locks, () => coordinator.status());
await timed('locks', locks, () => coordinator.locks());
const peer = await startNode(other);
await timed('snapshot', locks, () => until('the manifest to come', () =>
  peer.nodes().some(({ id, state, locks: known }) => id === 1 && state === 'synced' && known === locks)));
coordinator.abandon();
own.process.kill();
// The old one is still closing its list: the new one gets a copy, as a kill would have left it.
const copy = join(directory, 'copy');
mkdirSync(copy);
copyFileSync(join(own.directory, 'locks.jsonl'), join(copy, 'locks.jsonl'));
own.directory = copy;
await timed('start', locks, async () => {
  coordinator = await startNode(own);
  await until('the adoption', () => coordinator.status().locks.held === locks);
});
await timed('release', locks, () => inFlight(locks, AT_ONCE, (index) => release(index)));
console.log(JSON.stringify(us));
process.exit();

async function timed(what, count, work) {
  globalThis.gc();
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  us.cpu[what] = (user + system) / count;
  us.clock[what] = (performance.now() - startedMs) * 1_000 / count;
}

function acquire(index) {
  return coordinator.acquire({ resource: nameOf(index), mode: 'EX', owner, waitMs: 0, signal: new AbortController().signal });
}

function release(index) {
  return coordinator.release({ resource: nameOf(index), owner, signal: new AbortController().signal });
}
