import type { LockMode } from '../../../src/coordinator/core/mode.js';

/**
 * One throw of the dice. Each operation takes of it what it needs, so that a script can be cut
 * anywhere, and the rest of it still means the same.
 */
export interface Op {
  /** A name in `OPERATIONS`. */
  readonly do: string;
  readonly node: number;
  /** Named `p…`: a process; otherwise a named owner. */
  readonly owner: string;
  readonly resource: string;
  readonly mode: LockMode;
  /** Null: for ever. */
  readonly waitMs: number | null;
  /** 0 to 1: how long, how much, which ones. */
  readonly amount: number;
  /** How long the script waits after it. */
  readonly thenMs: number;
}

/** One life of a cluster, all of it. */
export interface ClusterScript {
  readonly seed: number;
  readonly nodes: number;
  /** How likely what is due at the same moment runs in another order than it came. */
  readonly disorder: number;
  /**
   * Lock managers that do not follow corosync: a node can be missed and come back with its locks,
   * as when fencing is slower than the gap. Otherwise it is fenced, by power.
   */
  readonly isApart: boolean;
  readonly fencingMs: number;
  readonly recoveryMs: number;
  /** Extra delay of each delivery, at most, in ms. */
  readonly jitterMs: number;
  readonly loneEchoRate: number;
  readonly ops: readonly Op[];
}

/** An operation for a test: what is not said is of no matter. */
export function op(what: string, rest: Partial<Omit<Op, 'do'>> = {}): Op {
  return {
    do: what, node: 1, owner: 'vm-a', resource: 'disk', mode: 'EX', waitMs: 0, amount: 0.5,
    thenMs: 0, ...rest,
  };
}

export function describeOp(one: Op): string {
  const { node, owner, resource, mode, waitMs, amount, thenMs } = one;
  const wait = waitMs === null ? 'for ever' : `${waitMs} ms`;
  const rest = `${owner} ${resource} ${mode} ${wait}, amount ${amount.toFixed(3)}`;
  return `${one.do} n${node} ${rest}, then ${thenMs} ms`;
}
