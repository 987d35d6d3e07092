import { CoordinatorError, type Coordinator } from '../../src/coordinator/index.js';
import type { AcquireResult } from '../../src/coordinator/service.js';
import { covers, textOf, type Claim } from './checker.js';
import type { Op } from './script.js';
import type { SimProcess } from './sim-process.js';
import type { World } from './world.js';

type Wish<Kind extends Op['do']> = Extract<Op, { do: Kind }>;

/** A daemon that is asked, and the end of whoever asks. */
interface Asking {
  readonly coordinator: Coordinator;
  readonly signal: AbortSignal;
}

/** Asks daemons for owners, and tells the checker what they were told. */
export class Asker {
  readonly #world: World;
  readonly #cancels = new Map<Claim, AbortController>();

  constructor(world: World) {
    this.#world = world;
  }

  /** What the operation is about. */
  claimOf(
    { node, owner, resource }: Pick<Wish<'acquire'>, 'node' | 'owner' | 'resource'>,
  ): Claim {
    return this.#world.checker.claim(node, this.#world.ownerOf(node, owner), resource);
  }

  /** Whoever asked for it does not wait any more. */
  goAway(op: Wish<'cancel'>): void {
    this.#cancels.get(this.claimOf(op))?.abort();
  }

  /** Asks for one lock. */
  acquire(op: Wish<'acquire'>): void {
    const { resource, mode, waitMs } = op;
    const claim = this.claimOf(op);
    this.#ask(op, [claim], ({ coordinator, signal }) =>
      coordinator.acquire({ resource, mode, owner: claim.owner, waitMs, signal })
        .then((result) => [result]));
  }

  /** Asks for several as a whole. */
  acquireSet(op: Wish<'acquire-set'>): void {
    const { node, owner, resources, mode, waitMs } = op;
    const claims = resources.map((resource) => this.claimOf({ node, owner, resource }));
    const members = resources.map((resource) => ({ resource, mode }));
    const asker = this.#world.ownerOf(node, owner);
    if (!this.#ask(op, claims, ({ coordinator, signal }) =>
      coordinator.acquireSet({ members, owner: asker, waitMs, signal })
        .then((result) => result.members))) return;
    this.#world.checker.noteSet(claims);
  }

  /** Asks for all of them at once; false when the daemon cannot be asked now. */
  #ask(
    { node, owner }: Pick<Wish<'acquire'>, 'node' | 'owner'>,
    claims: readonly Claim[],
    ask: (by: Asking) => Promise<readonly AcquireResult[]>,
  ): boolean {
    const { process } = this.#world.node(node);
    const coordinator = process?.coordinator ?? null;
    if (process === null || coordinator === null) return false;
    if (claims.some(({ asking }) => asking > 0)) return false;
    const cancel = new AbortController();
    for (const claim of claims) {
      this.#cancels.set(claim, cancel);
      claim.asking += 1;
      claim.askedPid = process.pid;
      // Should the answer be lost, whoever asks again finds a member of the set.
      if (claims.length > 1 && claim.belief !== 'held') claim.isOfSet = true;
      this.#world.checker.forgetSets(claim);
    }
    this.#hear(process, ask({ coordinator, signal: cancel.signal }), (results) => {
      for (const claim of claims) claim.asking -= 1;
      for (const [index, claim] of claims.entries()) {
        const result = results[index];
        if (result === undefined) continue;
        if (result.acquired) claim.isOfSet = claims.length > 1;
        this.#world.checker.toldHeld(claim, result.lock.mode, this.#world.kernel());
      }
    }, (code) => {
      this.#world.boundaries.trace?.push(`      ${owner} is refused ${claims.map(textOf).join()}: ${code}`);
      for (const claim of claims) {
        claim.asking -= 1;
        // Who goes away before its answer does not know: the grant may have been on its way.
        const isOpen = claim.belief === 'none' && !claim.hasEnded;
        if (code === 'CANCELED' && isOpen) claim.belief = 'unsure';
        if (claim.belief === 'unsure' && CERTAIN.has(code)) claim.belief = 'none';
      }
    });
    return true;
  }

  /** From the moment it asks for less, an owner relies on no more. */
  convert(op: Wish<'convert'>): void {
    const { resource, mode, waitMs } = op;
    const claim = this.claimOf(op);
    const { process } = this.#world.node(op.node);
    const coordinator = process?.coordinator ?? null;
    if (process === null || coordinator === null || claim.asking > 0) return;
    const cancel = new AbortController();
    this.#cancels.set(claim, cancel);
    claim.asking += 1;
    this.#world.checker.forgetSets(claim);
    if (claim.belief === 'held' && covers(claim.mode, mode)) claim.mode = mode;
    const request = { resource, mode, owner: claim.owner, waitMs, signal: cancel.signal };
    this.#hear(process, coordinator.convert(request), ({ lock, pending }) => {
      claim.asking -= 1;
      this.#world.checker.toldHeld(claim, pending ? mode : lock.mode, this.#world.kernel());
    }, (code) => {
      claim.asking -= 1;
      this.#world.boundaries.trace?.push(`      ${textOf(claim)} is not converted to ${mode}: ${code}`);
      if (code === 'NOT_HELD' || code === 'NOT_OWNER') this.#toldNothing(claim, false, code);
    });
  }

  /** Lets go of what it has or may have. */
  release(claim: Claim): void {
    const { resource } = claim;
    const { process } = this.#world.node(claim.nodeId);
    const coordinator = process?.coordinator ?? null;
    if (process === null || coordinator === null) return;
    const { signal } = new AbortController();
    const wasHeld = claim.belief === 'held';
    if (wasHeld) claim.belief = 'leaving';
    claim.releasing += 1;
    this.#world.checker.forgetSets(claim);
    this.#hear(process, coordinator.release({ resource, owner: claim.owner, signal }), (answer) => {
      claim.releasing -= 1;
      if (!answer.released) this.#toldNothing(claim, wasHeld, 'that there was nothing to release');
      else if (!answer.pending) this.#world.checker.toldReleased(claim, this.#world.kernel());
      else if (!claim.hasEnded) claim.belief = 'leaving';
    }, (code) => {
      claim.releasing -= 1;
      if (code === 'NOT_HELD' || code === 'NOT_OWNER') this.#toldNothing(claim, wasHeld, code);
      else if (wasHeld && claim.belief === 'leaving') claim.belief = 'held';
    });
  }

  #toldNothing(claim: Claim, wasHeld: boolean, answer: string): void {
    if (wasHeld && claim.belief === 'leaving') claim.belief = 'held';
    this.#world.checker.toldNothing(claim, answer);
  }

  #hear<Result>(
    process: SimProcess, answer: Promise<Result>, tell: (result: Result) => void,
    refuse: (code: string) => void,
  ): void {
    process.answer(answer, tell).catch((thrown: unknown) => {
      if (!process.isAlive) return;
      if (thrown instanceof CoordinatorError) refuse(thrown.code);
      else this.#world.checker.fail('7 nothing throws', String(thrown));
    });
  }
}

/** Refusals after which the owner does not have what it asked for. */
const CERTAIN: ReadonlySet<string> = new Set(['HELD', 'TIMEOUT']);
