import type { HandoverAction, HandoverResult } from '../../../src/coordinator/service.js';
import type { Claim } from '../checker.js';
import { acquireClaim, begin, reach, told } from './lock-operations.js';
import type { Op } from './op.js';
import type { ClusterWorld } from './world.js';

/** How long the offer stands, and each end waits for its step, in ms. */
const STEP_MS = 10_000;

/** What an owner does when both ends have it. */
const ENDINGS = ['finish', 'finish', 'abort', 'abort there', 'crossed', 'none'] as const;

/** A guest that moves, as an agent would do it, and what becomes of it is for the dice. */
interface Migration {
  readonly source: Claim;
  readonly destination: Claim;
  readonly ending: typeof ENDINGS[number];
}

/**
 * A lock moves to another node while its owner goes on: open, join, and then one of the endings.
 * An owner that has nothing there acquires it first.
 */
export function migrate(world: ClusterWorld, one: Op): boolean {
  if (world.hosts.length < 2 || one.owner.startsWith('p')) return false;
  const { amount } = one;
  const to = 1 + ((one.node + Math.floor(amount * (world.hosts.length - 1))) % world.hosts.length);
  const migration: Migration = {
    source: world.claimOf(one), destination: world.claimOf({ ...one, node: to }),
    ending: ENDINGS[Math.floor((amount * 1_000) % ENDINGS.length)] ?? 'none',
  };
  const { source } = migration;
  if (source.asking + source.releasing > 0) return false;
  if (source.belief === 'held') return open(world, migration);
  return acquireClaim(world, source, { mode: 'EX', waitMs: STEP_MS }, () => {
    open(world, migration);
  });
}

/** From here on the owner counts on no more than CW: nobody else in, but the other end. */
function open(world: ClusterWorld, migration: Migration): boolean {
  const { source, destination } = migration;
  if (source.mode !== 'EX' || source.belief !== 'held') return false;
  source.mode = 'CW';
  return ask(world, source, 'open', `n${destination.nodeId}`, ({ at }) => {
    if (at === 'offered' || at === 'joined') join(world, migration);
  });
}

function join(world: ClusterWorld, migration: Migration): void {
  const { destination } = migration;
  if (destination.asking > 0) return;
  ask(world, destination, 'join', null, ({ lock }) => {
    if (lock === null) return;
    told(world, destination, lock.mode, lock.generation);
    end(world, migration);
  }, (code) => {
    // The source may have let go of it meanwhile, and then it is the destination's.
    if (code === 'TIMEOUT' && destination.belief === 'none') destination.belief = 'unsure';
  });
}

function end(world: ClusterWorld, { source, destination, ending }: Migration): void {
  const isThere = source.belief === 'held' && source.mode === 'CW';
  if (isThere && (ending === 'finish' || ending === 'crossed')) finish(world, source);
  if (isThere && ending === 'abort') takeBack(world, source, destination);
  if (ending === 'abort there' || ending === 'crossed') giveBack(world, destination);
}

/** The source gives its part up; the destination has it alone then. */
function finish(world: ClusterWorld, source: Claim): void {
  source.belief = 'leaving';
  ask(world, source, 'finish', null, ({ at }) => {
    if (at === 'released') world.ledger.checker.toldReleased(source, world.ledger.kernel());
    else if (source.belief === 'leaving') source.belief = 'held';
  }, (code) => {
    if (code === 'NOT_JOINED' && source.belief === 'leaving') source.belief = 'held';
  });
}

/** The source takes it back: the destination's owner must not count on it any more. */
function takeBack(world: ClusterWorld, source: Claim, destination: Claim): void {
  if (destination.belief === 'held') destination.belief = 'unsure';
  ask(world, source, 'abort', null, ({ at, lock }) => {
    if (at === 'exclusive' && lock !== null) told(world, source, lock.mode, lock.generation);
    else if (at === 'released') source.belief = 'none';
  });
}

/** The destination asks for the same; the source decides, and the answer says how. */
function giveBack(world: ClusterWorld, destination: Claim): void {
  if (destination.belief === 'held') destination.belief = 'unsure';
  ask(world, destination, 'abort', null, ({ at, lock }) => {
    if (at === 'released') destination.belief = 'none';
    else if (at === 'exclusive' && lock !== null) {
      told(world, destination, lock.mode, lock.generation);
    }
  });
}

function ask(
  world: ClusterWorld, claim: Claim, action: HandoverAction, to: string | null,
  tell: (result: HandoverResult) => void, refuse: (code: string) => void = () => undefined,
): boolean {
  const { host, coordinator } = reach(world, claim.nodeId);
  if (coordinator === null) return false;
  const { resource, owner } = claim;
  const signal = begin(world, claim);
  const request = { action, resource, owner, to, waitMs: STEP_MS, signal };
  const whose = `${action} of ${resource} on n${claim.nodeId}`;
  world.note(`     ${whose} is asked for`);
  world.hear(host, coordinator.handover(request), (result) => {
    claim.asking -= 1;
    world.note(`     ${whose}: ${result.at}`);
    world.count(`${action}: ${result.at}`);
    tell(result);
  }, (code, message) => {
    claim.asking -= 1;
    world.note(`     ${whose} is refused: ${code} ${message}`);
    if (code === 'NOT_HELD') world.ledger.checker.toldNothing(claim, code);
    if (code === 'CANCELED' && claim.belief === 'none') claim.belief = 'unsure';
    refuse(code);
  });
  return true;
}
