import type { LockMode } from '../../src/coordinator/core/mode.js';
import type { Owner } from '../../src/coordinator/core/owner.js';
import type { Listed } from './listed-in.js';

/**
 * What an owner may believe of its lock on one resource.
 *
 * - `none`: it was told that it has nothing, or never asked.
 * - `unsure`: it asked and the daemon died, or did not say: it may have it.
 * - `held`: it was told so, and nobody has told it otherwise.
 * - `leaving`: it gave it up and has not been told that it is gone.
 */
export type Belief = 'none' | 'unsure' | 'held' | 'leaving';

/** One owner and one resource. */
export interface Claim {
  readonly nodeId: number;
  readonly resource: string;
  readonly owner: Owner;
  belief: Belief;
  mode: LockMode;
  /** Acquires of it that have no answer. */
  asking: number;
  /** Releases of it that have no answer. */
  releasing: number;
  /** The daemon's process that was asked for it and has not told 'held' yet; 0 without one. */
  askedPid: number;
  /** Its process has ended: whatever it had must go. */
  hasEnded: boolean;
  /** It may have been taken for a set, whatever has confirmed it since. */
  isOfSet: boolean;
}

/** A lock in some kernel: the truth. */
export interface KernelLock {
  readonly nodeId: number;
  readonly resource: string;
  readonly mode: LockMode;
  readonly isOrphan: boolean;
}

/** For each mode, what others may have beside it; written down here once more, on purpose. */
const BESIDE: Readonly<Record<LockMode, string>> = {
  NL: 'NL CR CW PR PW EX', CR: 'NL CR CW PR PW', CW: 'NL CR CW', PR: 'NL CR PR', PW: 'NL CR',
  EX: 'NL',
};

export function exclude(one: LockMode, other: LockMode): boolean {
  return !BESIDE[one].split(' ').includes(other);
}

/** Whether who has `one` is protected from all that `other` protects from. */
export function covers(one: LockMode, other: LockMode): boolean {
  return BESIDE[one].split(' ').every((mode) => !exclude(other, mode as LockMode));
}

/**
 * Notes what owners were told and compares it with what the kernels hold. It knows nothing of how
 * the coordinator works.
 */
export class Checker {
  readonly claims = new Map<string, Claim>();
  readonly violations: string[] = [];
  /** Claims whose end the daemon has to report, since its list still names them. */
  readonly mustReport = new Set<Claim>();
  /** Sets that were asked for as a whole and whose members nobody has asked about since. */
  readonly sets = new Set<readonly Claim[]>();
  /**
   * Records that were written are damaged. Then a lock may be shown as another's, or in quarantine,
   * and what was given up may come back; but what was held is in the kernel or reported lost.
   */
  isDamaged = false;
  /**
   * The file has lost whole records at its end that were written, which no crash of a process or a
   * machine does without a reboot. A set whose `held` records, one append, are gone looks like one
   * that its caller was never told of, and is given back: for sets nothing is promised then.
   */
  isCut = false;

  claim(nodeId: number, owner: Owner, resource: string): Claim {
    const key = `${nodeId} ${nameOf(owner)} ${resource}`;
    const known = this.claims.get(key);
    if (known !== undefined) return known;
    const claim: Claim = {
      nodeId, resource, owner, belief: 'none', mode: 'NL', asking: 0, releasing: 0,
      askedPid: 0, hasEnded: false, isOfSet: false,
    };
    this.claims.set(key, claim);
    return claim;
  }

  /** Members that were held before, or may be, say nothing about the set. */
  noteSet(claims: readonly Claim[]): void {
    if (claims.every(({ belief }) => belief === 'none')) this.sets.add(claims);
  }

  forgetSets(claim: Claim): void {
    for (const set of this.sets) if (set.includes(claim)) this.sets.delete(set);
  }

  fail(invariant: string, what: string): void {
    this.violations.push(`${invariant}: ${what}`);
  }

  toldHeld(claim: Claim, mode: LockMode, kernel: readonly KernelLock[]): void {
    for (const other of this.claims.values()) {
      if (other === claim || other.belief !== 'held' || other.resource !== claim.resource) continue;
      if (!exclude(other.mode, mode)) continue;
      this.fail('3 exclusion', `${textOf(claim)} was told ${mode} while ${textOf(other)} holds it`);
    }
    // Who has asked for its end meanwhile relies on nothing.
    if (!claim.hasEnded) claim.belief = claim.releasing > 0 ? 'leaving' : 'held';
    claim.mode = mode;
    claim.askedPid = 0;
    this.checkHeld(kernel);
  }

  /** Told that it is gone for good. */
  toldReleased(claim: Claim, kernel: readonly KernelLock[]): void {
    claim.belief = 'none';
    const here = kernel.filter((lock) => isAt(lock, claim) && lock.mode !== 'NL');
    const others = this.#at(claim).filter((other) => other !== claim && mayHave(other));
    if (here.length <= others.length || this.isDamaged) return;
    const what = `${textOf(claim)} was told released while the kernel has ${wordsOf(here)}`;
    this.fail('4 released', what);
  }

  /**
   * The machine of these owners died. What its list still names must be reported after the reboot;
   * of what it does not, the new boot alone tells, so that nobody believes in it any more.
   */
  powerLost(claims: readonly Claim[], listed: readonly Listed[]): void {
    for (const claim of claims) {
      const isListed = listed.some(({ resource, owner }) =>
        resource === claim.resource && owner === nameOf(claim.owner));
      if (isListed && claim.belief === 'held') this.mustReport.add(claim);
      claim.belief = 'none';
      if (claim.owner.kind === 'process') claim.hasEnded = true;
    }
  }

  /** Told that it holds nothing, without having been told that it lost anything. */
  toldNothing(claim: Claim, answer: string): void {
    if (claim.belief === 'held' && !this.isDamaged) {
      this.fail('1 kept', `${textOf(claim)} was told held, and later ${answer}`);
    }
    claim.belief = 'none';
  }

  /** The daemon has said of that owner's lock that it is lost, or ended with a reboot. */
  toldLost(nodeId: number, message: string): void {
    for (const claim of this.claims.values()) {
      const isMeant = claim.nodeId === nodeId && message.includes(`'${claim.resource}'`)
        && message.includes(nameOf(claim.owner));
      if (!isMeant) continue;
      claim.belief = 'none';
      this.mustReport.delete(claim);
    }
  }

  /** Every lock whose owner was told 'held' is in its kernel, at every moment. */
  checkHeld(kernel: readonly KernelLock[]): void {
    for (const claim of this.claims.values()) {
      if (claim.belief !== 'held') continue;
      if (this.isCut && claim.isOfSet) {
        claim.belief = 'unsure';
        continue;
      }
      const needed = this.#at(claim)
        .filter(({ belief, mode }) => belief === 'held' && covers(mode, claim.mode));
      // Stronger is fine: an acquire raises what its owner holds, and is told after the kernel did.
      const there = kernel.filter((lock) => isAt(lock, claim) && covers(lock.mode, claim.mode));
      if (there.length >= needed.length) continue;
      this.fail('1 kept', `${textOf(claim)} was told held, its kernel does not have it`);
      claim.belief = 'none';
    }
  }

  /** That process asks its kernel for a new lock: it must have been asked for it itself. */
  checkTake(nodeId: number, pid: number, resource: string): void {
    const isWanted = [...this.claims.values()].some((claim) =>
      claim.nodeId === nodeId && claim.resource === resource && claim.askedPid === pid);
    if (!isWanted) this.fail('5 never taken again', `${resource} is taken unasked on n${nodeId}`);
  }

  #at({ nodeId, resource }: Claim): readonly Claim[] {
    return [...this.claims.values()].filter((claim) =>
      claim.nodeId === nodeId && claim.resource === resource);
  }
}

function isAt(lock: KernelLock, claim: Claim): boolean {
  return lock.nodeId === claim.nodeId && lock.resource === claim.resource;
}

/** Whether the kernel may have something for it. */
function mayHave({ belief, asking, hasEnded }: Claim): boolean {
  return belief !== 'none' || asking > 0 || hasEnded;
}

export function nameOf(owner: Owner): string {
  return owner.kind === 'named' ? owner.name : `process ${owner.pid}`;
}

export function textOf({ nodeId, owner, resource, mode }: Claim): string {
  return `${nameOf(owner)} on n${nodeId} (${resource}, ${mode})`;
}

function wordsOf(locks: readonly KernelLock[]): string {
  return locks.map(({ mode, isOrphan }) => `${mode}${isOrphan ? ' orphan' : ''}`).join(', ');
}
