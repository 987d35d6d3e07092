import type { LockMode } from '../../../src/coordinator/core/mode.js';
import type { LockView } from '../../../src/coordinator/core/view.js';
import { toLockName } from '../../../src/coordinator/resource-name.js';
import { covers, nameOf, type Claim } from '../checker.js';
import type { Op } from './op.js';
import type { ClusterWorld } from './world.js';

/** Refusals after which the owner does not have what it asked for. */
const CERTAIN: ReadonlySet<string> = new Set(['HELD', 'TIMEOUT']);

/** Asks for one lock; false when nobody can be asked, or this owner is asking already. */
export function acquire(world: ClusterWorld, one: Op): boolean {
  return acquireClaim(world, world.claimOf(one), one);
}

/** As `acquire`; `then` hears that it is held. */
export function acquireClaim(
  world: ClusterWorld, claim: Claim, { mode, waitMs }: Pick<Op, 'mode' | 'waitMs'>,
  then: () => void = () => undefined,
): boolean {
  const { host, coordinator } = reach(world, claim.nodeId);
  if (coordinator === null || claim.asking > 0) return false;
  const { resource, owner } = claim;
  const request = { resource, mode, owner, waitMs, signal: begin(world, claim) };
  world.hear(host, coordinator.acquire(request), ({ lock }) => {
    claim.asking -= 1;
    toldAtLeast(world, claim, mode, lock);
    then();
  }, (code, message) => refused(world, claim, code, message));
  return true;
}

/** Somebody who holds a lock converts it; who asks for less relies on no more from then on. */
export function convert(world: ClusterWorld, one: Op): boolean {
  const held = [...world.ledger.checker.claims.values()]
    .filter(({ belief, asking, hasEnded }) => belief === 'held' && asking === 0 && !hasEnded);
  const claim = held[Math.floor(one.amount * held.length)];
  if (claim === undefined) return false;
  const { host, coordinator } = reach(world, claim.nodeId);
  if (coordinator === null) return false;
  const { mode, waitMs } = one;
  const { resource } = claim;
  claim.mode = inBoth(claim.mode, mode);
  const request = { resource, mode, owner: claim.owner, waitMs, signal: begin(world, claim) };
  world.hear(host, coordinator.convert(request), ({ lock, pending }) => {
    claim.asking -= 1;
    if (pending) told(world, claim, mode, lock.generation);
    else toldAtLeast(world, claim, mode, lock);
  }, (code, message) => {
    claim.asking -= 1;
    world.note(`     ${nameOf(claim.owner)} keeps ${resource} as it is: ${code} ${message}`);
    if (code === 'NOT_HELD' || code === 'NOT_OWNER') world.ledger.checker.toldNothing(claim, code);
  });
  return true;
}

/** Asks for two or three at once, all or none. */
export function acquireSet(world: ClusterWorld, one: Op): boolean {
  const { host, coordinator } = reach(world, one.node);
  if (coordinator === null) return false;
  const names = ['disk', 'image', 'mount'].slice(0, one.amount < 0.5 ? 2 : 3);
  const claims = names.map((resource) => world.claimOf({ ...one, resource }));
  if (claims.some(({ asking }) => asking > 0)) return false;
  const signals = claims.map((claim) => begin(world, claim));
  const owner = world.ownerOf(one.node, one.owner);
  const members = names.map((resource) => ({ resource, mode: one.mode }));
  const request = { members, owner, waitMs: one.waitMs, signal: AbortSignal.any(signals) };
  world.hear(host, coordinator.acquireSet(request), (answer) => {
    for (const [index, claim] of claims.entries()) {
      const lock = answer.members[index]?.lock;
      claim.asking -= 1;
      if (lock !== undefined) toldAtLeast(world, claim, one.mode, lock);
    }
  }, (code, message) => {
    for (const claim of claims) refused(world, claim, code, message);
  });
  return true;
}

/** The caller of what this owner asks for goes away. */
export function cancel(world: ClusterWorld, one: Op): boolean {
  const claim = world.claimOf(one);
  if (claim.asking === 0) return false;
  world.cancels.get(claim)?.abort();
  return true;
}

export function release(world: ClusterWorld, one: Op): boolean {
  return releaseClaim(world, world.claimOf(one));
}

export function releaseClaim(world: ClusterWorld, claim: Claim): boolean {
  const { host, coordinator } = reach(world, claim.nodeId);
  if (coordinator === null) return false;
  const { checker } = world.ledger;
  const { resource, owner } = claim;
  const { signal } = new AbortController();
  const wasHeld = claim.belief === 'held';
  if (wasHeld) claim.belief = 'leaving';
  claim.releasing += 1;
  const toldNothing = (answer: string): void => {
    if (wasHeld && claim.belief === 'leaving') claim.belief = 'held';
    checker.toldNothing(claim, answer);
  };
  world.hear(host, coordinator.release({ resource, owner, signal }), (answer) => {
    claim.releasing -= 1;
    world.note(`     ${nameOf(owner)} has released ${resource}: ${JSON.stringify(answer)}`);
    if (!answer.released) toldNothing('that there was nothing to release');
    else if (!answer.pending) checker.toldReleased(claim, world.ledger.kernel());
    else if (!claim.hasEnded) claim.belief = 'leaving';
  }, (code) => {
    claim.releasing -= 1;
    world.note(`     ${nameOf(owner)} could not release ${resource}: ${code}`);
    if (code === 'NOT_HELD' || code === 'NOT_OWNER') toldNothing(code);
    else if (wasHeld && claim.belief === 'leaving') claim.belief = 'held';
  });
  return true;
}

/** Somebody's program takes a lock without a list, and dies: an orphan that nobody explains. */
export function stray(world: ClusterWorld, one: Op): boolean {
  const { node } = world.host(one.node);
  if (node.state !== 'on') return false;
  if (world.cluster.engine.stateOf(one.node, 'holdfast').kind !== 'running') return false;
  const process = node.startProcess();
  const resource = toLockName(`stray-${one.node}`);
  process.lockManager().openLockspace('holdfast').then(
    (lockspace) => lockspace.take({ resource, mode: 'PR', wait: false, persistent: true }).granted,
  ).catch((thrown: unknown) => world.note(`     no stray lock: ${String(thrown)}`));
  world.later(20, `the stray program on n${one.node} dies`, () => process.kill());
  return true;
}

/** An operator releases what is in quarantine on that node, each with a reason. */
export function releaseOrphans(world: ClusterWorld, one: Op): boolean {
  const { host, coordinator } = reach(world, one.node);
  if (coordinator === null) return false;
  const found = coordinator.orphans().filter(({ lock }) => lock.node.id === one.node);
  for (const { lock: { resource, mode } } of found) {
    const { signal } = new AbortController();
    const why = { reason: 'simulated', by: null, dryRun: false } as const;
    const request = { resource, mode, ...why, expect: null, signal };
    world.hear(host, coordinator.releaseOrphan(request), () => undefined, (code) => {
      world.note(`     the orphan ${resource} could not be released: ${code}`);
    });
  }
  return found.length > 0;
}

export function reach(world: ClusterWorld, node: number) {
  const host = world.host(node);
  const isOn = host.node.state === 'on';
  return { host, coordinator: isOn ? host.daemon?.coordinator ?? null : null };
}

/** Notes that it is asked for; the signal is that of its caller's end. */
export function begin(world: ClusterWorld, claim: Claim): AbortSignal {
  const controller = new AbortController();
  world.cancels.set(claim, controller);
  claim.asking += 1;
  return controller.signal;
}

/** What an owner has for certain that has one of these modes. */
function inBoth(one: LockMode, other: LockMode): LockMode {
  if (covers(one, other)) return other;
  return covers(other, one) ? one : 'CR';
}

/** Told that it has what it asked for, or more. */
function toldAtLeast(world: ClusterWorld, claim: Claim, asked: LockMode, lock: LockView): void {
  if (!covers(lock.mode, asked)) {
    const what = `${nameOf(claim.owner)} asked for ${claim.resource} ${asked} and got ${lock.mode}`;
    world.ledger.checker.fail('10 what was asked for', what);
  }
  told(world, claim, lock.mode, lock.generation);
}

export function told(
  world: ClusterWorld, claim: Claim, mode: Claim['mode'], generation: number | null,
): void {
  const whose = `${nameOf(claim.owner)} on n${claim.nodeId}`;
  world.note(`     ${whose} is told ${claim.resource} ${mode} held`);
  if (!claim.hasEnded) world.ledger.seenGeneration(claim.resource, mode, generation, whose);
  world.ledger.checker.toldHeld(claim, mode, world.ledger.kernel());
}

function refused(world: ClusterWorld, claim: Claim, code: string, message: string): void {
  claim.asking -= 1;
  world.note(`     ${nameOf(claim.owner)} is refused ${claim.resource}: ${code} ${message}`);
  // Who goes away before its answer does not know: the grant may have been on its way.
  const isOpen = claim.belief === 'none' && !claim.hasEnded;
  if (code === 'CANCELED' && isOpen) claim.belief = 'unsure';
  if (claim.belief === 'unsure' && CERTAIN.has(code)) claim.belief = 'none';
}
