import type { KernelCall } from './call-board.js';
import type { DlmError } from './error.js';
import type { Stay } from './lockspace-watch.js';
import type { StalledOperation } from './port.js';
import type { Reply } from './protocol.js';

/** How the child answers an operation when it succeeds. */
export type Answer = Extract<Reply, { kind: 'done' | 'granted' | 'versions' }>;

/** With so many under way in one lockspace, waiting takes included, no take or convert is begun. */
export const OPERATIONS_MAX = 8_192;

interface Operation {
  readonly operation: string;
  /** The lock that it is about; 0 for none. */
  readonly id: number;
  readonly resource: string;
  /** When it was asked for, or when it last was expected to end soon; monotonic ms. */
  sinceMs: number;
  /** True while it stands in the kernel's queue, where it may stay as long as it likes. */
  queued: boolean;
  readonly settle: Settle;
}

/** Takes what came of an operation, once. */
export type Settle = (outcome: Answer | DlmError) => void;

/**
 * The operations that the child has not answered. One that the child has not reported as queued
 * sits in its pipe or in a kernel call: that is short on a running lockspace, so its age tells
 * whether the child hangs.
 */
export class Outstanding {
  readonly #operations = new Map<number, Operation>();
  readonly #monotonic: () => number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  get size(): number {
    return this.#operations.size;
  }

  /** Whether anything is out that should come back soon. */
  get hasUnqueued(): boolean {
    for (const { queued } of this.#operations.values()) {
      if (!queued) {
        return true;
      }
    }
    return false;
  }

  /** Adds an operation; `settle` is called with what comes of it. */
  add(op: number, operation: string, resource: string, id: number, settle: Settle): void {
    this.#operations.set(op, {
      operation, resource, id, sinceMs: this.#monotonic(), queued: false, settle,
    });
  }

  /** It stands in the kernel's queue: its age says nothing from now on. */
  queue(op: number): void {
    const operation = this.#operations.get(op);
    if (operation !== undefined) {
      operation.queued = true;
    }
  }

  /** It was cancelled: it should end soon again. */
  unqueue(op: number): void {
    const operation = this.#operations.get(op);
    if (operation?.queued === true) {
      operation.queued = false;
      operation.sinceMs = this.#monotonic();
    }
  }

  /** Answers an operation; one that is not known, or was answered before, is false. */
  settle(op: number, outcome: Answer | DlmError): boolean {
    const operation = this.#operations.get(op);
    if (operation === undefined) {
      return false;
    }
    this.#operations.delete(op);
    operation.settle(outcome);
    return true;
  }

  /** Rejects all that is left. */
  rejectAll(error: DlmError): void {
    for (const op of [...this.#operations.keys()]) {
      this.settle(op, error);
    }
  }

  /**
   * What has been out for longer than `boundMs` without standing in a queue, longest first. `stay`
   * is the call of the kernel that the child is in: it is told with the first operation that it
   * can belong to.
   */
  stalled(boundMs: number, stay: Stay | null): readonly StalledOperation[] {
    const now = this.#monotonic();
    const stalled: (StalledOperation & { readonly id: number })[] = [];
    for (const { operation, resource, id, sinceMs, queued } of this.#operations.values()) {
      if (!queued && now - sinceMs >= boundMs) {
        stalled.push({ operation, resource, forMs: now - sinceMs, inKernel: null, id });
      }
    }
    stalled.sort((a, b) => b.forMs - a.forMs);
    const inside = stalled.findIndex(({ operation, id }) =>
      stay !== null && stay.entry.id === id && makes(operation, stay.entry.call));
    return stalled.map(({ operation, resource, forMs }, index) => ({
      operation, resource, forMs, inKernel: index === inside ? stay?.stay ?? null : null,
    }));
  }
}

/** Whether an operation makes that call: a take is a request, a convert, and an unlock at worst. */
function makes(operation: string, call: KernelCall): boolean {
  switch (operation) {
    case 'take': return call === 'request' || call === 'convert' || call === 'unlock';
    case 'unlock': return call === 'unlock' || call === 'convert';
    default: return operation === call;
  }
}
