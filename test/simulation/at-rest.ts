import { readList } from '../../src/coordinator/list/read.js';
import type { LockView } from '../../src/coordinator/core/view.js';
import { covers, nameOf, textOf, type Claim, type KernelLock } from './checker.js';
import type { SimNode } from './sim-node.js';
import { LIST_PATH } from './sim-process.js';
import type { World } from './world.js';

/** What must hold whenever every daemon is at rest. */
export function checkAtRest(world: World): void {
  const kernel = world.kernel();
  world.checker.checkHeld(kernel);
  for (const claim of world.checker.mustReport) {
    // The damage itself was reported: nobody can read what it has taken.
    if (world.checker.isDamaged) break;
    world.checker.fail('1 kept', `${textOf(claim)} ended with a reboot, and nobody said so`);
  }
  for (const node of world.nodes) {
    const here = kernel.filter(({ nodeId }) => nodeId === node.id);
    checkNode(world, node, here);
    checkFile(world, node);
  }
}

/** All owners let go of everything; then nothing may be left anywhere. */
export async function letAllGo(world: World): Promise<void> {
  await world.letGo();
  checkAtRest(world);
  for (const node of world.nodes) {
    for (const lock of ownLocks(node)) {
      if (lock.state === 'quarantined' && world.checker.isDamaged) continue;
      const who = lock.owner === null ? 'nobody' : nameOf(lock.owner);
      const what = `${lock.resource} of ${who} on ${node.name} is still ${lock.state}`;
      world.checker.fail('2 nothing leaks', `${what} after everybody has let go`);
    }
  }
}

function ownLocks(node: SimNode): readonly LockView[] {
  const locks = node.process?.coordinator?.locks() ?? [];
  return locks.filter((lock) => lock.node.id === node.id);
}

/** The daemon shows what its kernel has, no more and no less; owners as they were told. */
function checkNode(world: World, node: SimNode, kernel: readonly KernelLock[]): void {
  const { checker } = world;
  const shown = ownLocks(node);
  const orphan = kernel.find(({ isOrphan }) => isOrphan);
  if (orphan !== undefined) {
    checker.fail('2 nothing leaks', `${orphan.resource} is left an orphan on ${node.name}`);
  }
  const listed = shown.map(({ resource, mode }) => `${resource} ${mode}`).sort().join(', ');
  const there = kernel.map(({ resource, mode }) => `${resource} ${mode}`).sort().join(', ');
  if (listed !== there) {
    checker.fail('2 nothing leaks', `${node.name} lists [${listed}], its kernel has [${there}]`);
  }
  for (const lock of shown) {
    if (lock.state === 'quarantined' && !checker.isDamaged) {
      checker.fail('2 nothing leaks', `${lock.resource} came into quarantine on ${node.name}`);
    }
  }
  for (const lock of shown) {
    const isNumbered = lock.generation !== null || (lock.mode !== 'EX' && lock.mode !== 'PW');
    if (lock.state !== 'held' || isNumbered) continue;
    checker.fail('8 numbered', `${lock.resource} is held in ${lock.mode} without a generation`);
  }
  if (!checker.isDamaged) checkSets(world, node, shown);
  for (const claim of checker.claims.values()) {
    if (claim.nodeId !== node.id) continue;
    const own = shown.filter(({ resource, owner }) =>
      resource === claim.resource && owner !== null && nameOf(owner) === nameOf(claim.owner));
    const isHeld = own.some(({ state }) => state === 'held');
    if (claim.belief === 'held' && !isHeld) {
      // Damage may hide whose it is, never that it is there.
      if (checker.isDamaged && isShown(shown, claim)) claim.belief = 'none';
      else checker.fail('1 kept', `${textOf(claim)} was told held, the daemon does not show it`);
    }
    if (!isHeld || checker.isDamaged) continue;
    if (claim.belief === 'none' || claim.belief === 'leaving') {
      const why = claim.hasEnded ? 'its process has ended' : `it is told ${claim.belief}`;
      checker.fail('4 released', `${textOf(claim)} holds a lock although ${why}`);
    }
  }
}

/** Of what was asked for as a whole, all is held or nothing. */
function checkSets({ checker }: World, { id, name }: SimNode, shown: readonly LockView[]): void {
  for (const set of checker.sets) {
    if (set.some(({ nodeId, hasEnded }) => nodeId !== id || hasEnded)) continue;
    const held = set.filter(({ resource, owner }) => shown.some((lock) =>
      lock.state === 'held' && lock.resource === resource && lock.owner !== null
        && nameOf(lock.owner) === nameOf(owner)));
    if (held.length === 0 || held.length === set.length) continue;
    const what = `of the set [${set.map(textOf).join(', ')}] ${name} holds [${held.map(textOf).join(', ')}]`;
    checker.fail('9 all or nothing', what);
  }
}

function isShown(shown: readonly LockView[], claim: Claim): boolean {
  return shown.some(({ resource, mode, state }) =>
    (state === 'quarantined' || state === 'held') && resource === claim.resource
      && covers(mode, claim.mode));
}

function checkFile(world: World, node: SimNode): void {
  const bytes = node.disk.bytesOf(LIST_PATH);
  if (bytes === null) return world.checker.fail('6 a list in order', `${node.name} has no list`);
  const { problems, tornAt, table } = readList(bytes, LIST_PATH);
  for (const problem of problems) world.checker.fail('6 a list in order', problem);
  if (tornAt !== null) world.checker.fail('6 a list in order', `torn at ${tornAt}`);
  const written = table.listed
    .map(({ lock, state }) => `${lock.resource} ${lock.mode} ${state}`).sort().join(', ');
  const shown = ownLocks(node)
    .map(({ resource, mode, state }) => `${resource} ${mode} ${state}`).sort().join(', ');
  if (written === shown) return;
  const what = `${node.name} has written [${written}] and shows [${shown}]`;
  world.checker.fail('6 a list in order', what);
}
