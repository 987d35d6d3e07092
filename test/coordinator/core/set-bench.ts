import type { LockMode } from '../../../src/coordinator/core/mode.js';
import type { Owner } from '../../../src/coordinator/core/owner.js';
import { startedBench, VM, type Bench } from './harness.js';

export interface Wish {
  readonly names?: readonly string[];
  readonly mode?: LockMode;
  readonly owner?: Owner;
  readonly waitMs?: number | null;
}

export function askSet(bench: Bench, wish: Wish = {}) {
  const { names = ['c', 'a', 'b'], mode = 'EX', owner = VM, waitMs = null } = wish;
  const caller = bench.caller();
  const members = names.map((name) => ({ resource: name, lockName: name, mode }));
  const effects = bench.send({ kind: 'acquire-set', caller, members, owner, waitMs });
  return { caller, effects, number: bench.state.nextLockId - 1 };
}

export const idOf = (bench: Bench, name: string, owner: Owner = VM) =>
  bench.find(name, owner)?.facts.id ?? -1;

export function grant(bench: Bench, name: string, owner: Owner = VM) {
  return bench.send({ kind: 'granted', id: idOf(bench, name, owner) });
}

/** Asks for a, b, c and has a and b granted. */
export function halfTaken(wish: Wish = {}) {
  const bench = startedBench();
  const asked = askSet(bench, wish);
  grant(bench, 'a', wish.owner);
  grant(bench, 'b', wish.owner);
  const ids = ['a', 'b', 'c'].map((name) => idOf(bench, name, wish.owner));
  return { bench, ...asked, ids };
}

export function refusalOf(bench: Bench, caller: number): string {
  const answer = bench.answer(caller);
  return answer.kind === 'refused' ? answer.message : answer.kind;
}
