import type { LockMode } from '../../src/coordinator/core/mode.js';

/** One thing that happens in a simulation. Owners named `p…` are processes, the others named. */
export type Op =
  | {
      readonly do: 'acquire';
      readonly node: number;
      readonly owner: string;
      readonly resource: string;
      readonly mode: LockMode;
      readonly waitMs: number;
    }
  /** All of these resources in that mode, or none. */
  | {
      readonly do: 'acquire-set';
      readonly node: number;
      readonly owner: string;
      readonly resources: readonly string[];
      readonly mode: LockMode;
      readonly waitMs: number;
    }
  /** Another mode for what the owner holds. */
  | {
      readonly do: 'convert';
      readonly node: number;
      readonly owner: string;
      readonly resource: string;
      readonly mode: LockMode;
      readonly waitMs: number;
    }
  | {
      readonly do: 'release';
      readonly node: number;
      readonly owner: string;
      readonly resource: string;
    }
  /** The caller of the owner's acquire on that resource goes away. */
  | {
      readonly do: 'cancel';
      readonly node: number;
      readonly owner: string;
      readonly resource: string;
    }
  /** The owner's process ends. */
  | { readonly do: 'end'; readonly node: number; readonly owner: string }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'kill-child' | 'kill-daemon' | 'power-off'; readonly node: number }
  /** Everything that can happen without time going on has happened. */
  | { readonly do: 'settle' };

/** What happens, in which order, and with which turns of chance. */
export interface Script {
  readonly name: string;
  readonly seed: number;
  /** How likely what is due runs in another order than it came, and an operation comes early. */
  readonly disorder: number;
  /** How many nodes run a daemon. */
  readonly daemons: 1 | 2;
  readonly ops: readonly Op[];
}

export function describeOp(op: Op): string {
  const { do: what, ...rest } = op;
  return `${what} ${Object.values(rest).join(' ')}`;
}
