// One start, for start.mjs: `node bench/list/starter.mjs DIRECTORY write|raw|start LOCKS`.
import {
  factsOf, inFlight, LOCKSPACE, nameOf, openList, startNode, stubLockManager,
} from './node.mjs';

const RECORDS_PER_APPEND = 1_000;

const [directory, mode, locksText] = process.argv.slice(2);
const locks = Number(locksText);
const runs = { write, raw, start };
console.log(JSON.stringify(await runs[mode]()));
process.stdin.resume().once('end', () => process.exit());

/** A list as it is when a daemon with that many locks is killed. */
async function write() {
  const { list } = await openList(directory);
  const records = Array.from({ length: locks }, (_, index) => index + 1).flatMap((id) => [
    { kind: 'intent', at: Date.now(), lock: factsOf(id) }, { kind: 'held', at: Date.now(), id },
  ]);
  while (records.length > 0) await list.append(records.splice(0, RECORDS_PER_APPEND));
  await list.close();
  return { locks };
}

/** All adoptions at once, as the coordinator asks for them. */
async function raw() {
  const lockspace = await stubLockManager().openLockspace(LOCKSPACE);
  const startedMs = performance.now();
  await inFlight(locks, locks, (index) =>
    lockspace.adopt({ resource: nameOf(index + 1), mode: 'EX' }));
  return { ms: performance.now() - startedMs };
}

async function start() {
  const startedMs = performance.now();
  let adoptingMs = null;
  const coordinator = await startNode({ directory, opened: () => {
    adoptingMs = performance.now();
  } });
  const { held } = coordinator.status().locks;
  if (held !== locks) throw new Error(`${held} of ${locks} locks are held`);
  const endedMs = performance.now();
  return { adoptionMs: endedMs - adoptingMs, wholeMs: endedMs - startedMs };
}
