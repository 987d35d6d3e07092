import type { LockView } from '../../../src/coordinator/core/view.js';
import { readList } from '../../../src/coordinator/list/read.js';
import { nameOf, textOf } from '../checker.js';
import { LIST_PATH } from '../sim-process.js';
import { powerOn } from './fault-operations.js';
import { releaseClaim, releaseOrphans } from './lock-operations.js';
import { op } from './op.js';
import type { SimHost } from './sim-host.js';
import type { ClusterWorld } from './world.js';

/** Every view agrees with the truth within so much time of the simulation after the last fault. */
export const CONVERGENCE_MS = 60_000;
/** More than strays that any script makes on one node. */
const ORPHAN_ROUNDS_MAX = 50;

/** The faults end, everything comes to rest, and everybody must see the truth. */
export async function calm(world: ClusterWorld): Promise<boolean> {
  await settle(world);
  checkAtRest(world);
  return true;
}

/** At the end: everybody lets go, and nothing may be left anywhere. */
export async function letGo(world: ClusterWorld): Promise<void> {
  const { checker } = world.ledger;
  if (world.violations.length > 0) return;
  world.note('---- everybody lets go');
  world.endProcesses();
  for (const controller of world.cancels.values()) controller.abort();
  await settle(world);
  for (const host of world.hosts) {
    // A kernel's orphan that came after the last look is seen at the next start.
    if (hasStray(world, host)) host.killDaemon();
  }
  await settle(world);
  for (const claim of checker.claims.values()) {
    if (claim.owner.kind === 'named') releaseClaim(world, claim);
  }
  await releaseAllOrphans(world);
  await settle(world);
  // A refusal may still wait for a disk that was slow when it was written.
  const isAnswered = (): boolean =>
    [...checker.claims.values()].every(({ asking, releasing }) => asking + releasing === 0);
  await world.until(isAnswered, CONVERGENCE_MS);
  checkAtRest(world);
  if (world.violations.length > 0) return;
  for (const { nodeId, resource, mode } of world.ledger.kernel()) {
    checker.fail('2 nothing leaks', `n${nodeId} still has ${resource} ${mode} when all have let go`);
  }
  for (const claim of checker.claims.values()) {
    if (claim.asking + claim.releasing === 0) continue;
    checker.fail('0 comes to rest', `${textOf(claim)} never got an answer`);
  }
}

/** Each request releases one, and two strays may have the same name. */
async function releaseAllOrphans(world: ClusterWorld): Promise<void> {
  for (let round = 0; round < ORPHAN_ROUNDS_MAX; round += 1) {
    const left = world.hosts.filter(({ id }) =>
      releaseOrphans(world, op('release-orphans', { node: id })));
    if (left.length === 0) return;
    await world.wait(1_000);
  }
}

async function settle(world: ClusterWorld): Promise<void> {
  const { cluster, hosts, ledger } = world;
  if (world.violations.length > 0) return;
  world.note('---- all faults end');
  endFaults(world);
  const isQuiet = (): boolean => {
    for (const { node, id } of hosts) {
      const isLeft = cluster.engine.stateOf(id, 'holdfast').kind === 'abandoned';
      // Nothing gets through to DLM there before a reboot: an operator's work.
      if (node.state === 'on' && isLeft) cluster.powerOff(id);
      if (node.state === 'off') powerOn(world, id);
      // A merge ends corosync on those who come back with a lockspace; it is started again.
      cluster.startCorosync(id);
    }
    return unrest(world) === null;
  };
  if (await world.until(isQuiet, CONVERGENCE_MS)) return;
  if (world.violations.length > 0) return;
  for (const { name, daemon } of hosts) {
    world.note(`${name} counts ${JSON.stringify(daemon?.coordinator?.status().counters)}`);
  }
  ledger.checker.fail('0 comes to rest', `after ${CONVERGENCE_MS} ms: ${unrest(world)}`);
}

function endFaults({ cluster, hosts }: ClusterWorld): void {
  cluster.heal();
  for (const { id, trouble } of hosts) {
    cluster.confirmFencing(id);
    cluster.resume(id);
    cluster.startCorosync(id);
    Object.assign(trouble, { delayMs: 0, failure: null });
  }
  for (const host of hosts) {
    if (!host.hasTables) host.killDaemon();
    host.hasTables = true;
    host.daemon?.process.release();
  }
}

/** What is not as it should be in the end, in a sentence; null when everything is. */
function unrest(world: ClusterWorld): string | null {
  const running = world.hosts.flatMap(({ daemon, name }) =>
    (daemon?.coordinator ? [{ name, coordinator: daemon.coordinator }] : []));
  if (running.length < world.hosts.length) return 'some daemons do not run';
  const truths = running.map(({ coordinator }) =>
    ownLocks(coordinator.locks(), coordinator.nodeId));
  for (const { name, coordinator } of running) {
    const { standing } = coordinator.status();
    if (standing.kind !== 'ok') return `${name} is ${JSON.stringify(standing)}`;
    const away = coordinator.nodes().find(({ state }) => state !== 'synced');
    if (away !== undefined) return `${name} calls ${away.name} ${away.state}`;
    if (coordinator.nodes().length < running.length) return `${name} does not know all nodes`;
    const locks = coordinator.locks();
    for (const [index, truth] of truths.entries()) {
      const seen = ownLocks(locks, index + 1);
      if (seen.join() === truth.join()) continue;
      return `n${index + 1} has [${truth.join('; ')}], ${name} sees [${seen.join('; ')}]`;
    }
    const unfinished = locks.find((lock) =>
      !['held', 'quarantined', 'waiting'].includes(stateOf(lock)));
    if (unfinished !== undefined) return `${unfinished.resource} is ${unfinished.state} on ${name}`;
  }
  return unaskedUnrest(world) ?? kernelUnrest(world);
}

/** An adopted grant is shown waiting while its number is claimed; that must come to an end. */
function unaskedUnrest({ hosts, ledger: { checker } }: ClusterWorld): string | null {
  const asked = new Set([...checker.claims.values()].filter(({ asking }) => asking > 0)
    .map(({ nodeId, resource, owner }) => `${resource} on n${nodeId} for ${nameOf(owner)}`));
  for (const host of hosts) {
    for (const { state, resource, owner } of shownOn(host)) {
      const whose = `${resource} on n${host.id} for ${owner === null ? 'nobody' : nameOf(owner)}`;
      if (state === 'waiting' && !asked.has(whose)) return `${whose} waits, and nobody asks`;
    }
  }
  return null;
}

function kernelUnrest(world: ClusterWorld): string | null {
  for (const host of world.hosts) {
    const shown = shownOn(host).filter(({ state }) => state !== 'waiting')
      .map(({ resource, mode }) => `${resource} ${mode}`).sort().join(', ');
    const kernel = world.ledger.kernel().filter(({ nodeId, resource, mode, isOrphan }) =>
      nodeId === host.id && !(isOrphan && resource.startsWith('stray'))
      && (mode !== 'NL' || shown.includes(`${resource} NL`)));
    const there = kernel.map(({ resource, mode }) => `${resource} ${mode}`).sort().join(', ');
    const waiting = shownOn(host).filter(({ state }) => state === 'waiting').length;
    if (shown !== there && waiting === 0) {
      return `${host.name} shows [${shown}], its kernel has [${there}]`;
    }
    const fileSays = fileUnrest(host);
    if (fileSays !== null) return fileSays;
  }
  return null;
}

function checkAtRest(world: ClusterWorld): void {
  const { checker } = world.ledger;
  if (world.violations.length > 0) return;
  for (const claim of checker.mustReport) {
    checker.fail('1 kept', `${textOf(claim)} ended with a reboot, and nobody said so`);
  }
  for (const host of world.hosts) {
    checkOwners(world, host);
  }
}

/** Owners have what they were told, and who has nothing is not shown with a lock. */
function checkOwners({ ledger: { checker } }: ClusterWorld, host: SimHost): void {
  const shown = shownOn(host);
  for (const claim of checker.claims.values()) {
    if (claim.nodeId !== host.id) continue;
    const own = shown.filter(({ resource, owner }) =>
      resource === claim.resource && owner !== null && nameOf(owner) === nameOf(claim.owner));
    const isHeld = own.some(({ state }) => state === 'held');
    if (claim.belief === 'held' && !isHeld) {
      checker.fail('1 kept', `${textOf(claim)} was told held, the daemon does not show it`);
    }
    if (own.length > 0 && claim.hasEnded) {
      checker.fail('2 nothing leaks', `${textOf(claim)} has a lock, and its process has ended`);
    }
    if (own.some(({ state }) => state === 'waiting') && claim.asking === 0) {
      checker.fail('2 nothing leaks', `${textOf(claim)} is shown waiting, and nobody asks`);
    }
    // Who joins a handover is shown with its lock before it is told.
    if (isHeld && claim.asking === 0 && (claim.belief === 'none' || claim.belief === 'leaving')) {
      checker.fail('4 released', `${textOf(claim)} holds a lock although it is told ${claim.belief}`);
    }
  }
}

/** What is written says what is shown, or will in a moment: the end of a lock is seen first. */
function fileUnrest(host: SimHost): string | null {
  const bytes = host.disk.bytesOf(LIST_PATH);
  if (bytes === null) return `${host.name} has no list`;
  const { problems, table } = readList(bytes, LIST_PATH);
  const [problem] = problems;
  if (problem !== undefined) return `${host.name}: ${problem}`;
  const isAtRest = (state: string): boolean => state === 'held' || state === 'quarantined';
  // Who waits to be raised holds its old mode.
  const written = table.listed
    .map(({ lock, state }) => ({ lock, state: state === 'converting' ? 'held' : state }))
    .filter(({ state }) => isAtRest(state))
    .map(({ lock, state }) => `${lock.resource} ${lock.mode} ${state}`).sort().join(', ');
  const shown = shownOn(host).filter(({ state }) => isAtRest(state))
    .map(({ resource, mode, state }) => `${resource} ${mode} ${state}`).sort().join(', ');
  return written === shown ? null : `${host.name} has written [${written}] and shows [${shown}]`;
}

function shownOn({ daemon, id }: SimHost): readonly LockView[] {
  return (daemon?.coordinator?.locks() ?? []).filter(({ node }) => node.id === id);
}

function hasStray({ ledger }: ClusterWorld, { id }: SimHost): boolean {
  return ledger.kernel().some(({ nodeId, isOrphan }) => nodeId === id && isOrphan);
}

/** One line for each lock of that node, with everything that others must know of it. */
function ownLocks(locks: readonly LockView[], nodeId: number): readonly string[] {
  return locks.filter(({ node }) => node.id === nodeId).map((lock) => {
    const owner = lock.owner === null ? 'nobody' : nameOf(lock.owner);
    return `${lock.resource} ${lock.mode} ${stateOf(lock)} ${owner} ${lock.generation ?? '-'}`;
  }).sort();
}

/** What others see: a granted member of a set that still waits is in their way as a held lock. */
function stateOf({ state, note }: LockView): string {
  return state === 'taking' && note?.startsWith('granted;') === true ? 'held' : state;
}
