import type { DlmError } from './error.js';
import type { StalledOperation } from './port.js';

/** With so many under way in one lockspace, waiting takes included, no take or convert is begun. */
export const OPERATIONS_MAX = 8_192;

interface Operation {
  readonly operation: string;
  readonly resource: string;
  /** When it was asked for, or when it last was expected to end soon; monotonic ms. */
  sinceMs: number;
  /** True while it stands in the kernel's queue, where it may stay as long as it likes. */
  queued: boolean;
  readonly resolve: () => void;
  readonly reject: (error: DlmError) => void;
}

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

  /** Adds an operation; the promise settles with its answer. */
  add(op: number, operation: string, resource: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#operations.set(op, {
        operation, resource, sinceMs: this.#monotonic(), queued: false, resolve, reject,
      });
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
  settle(op: number, error: DlmError | null): boolean {
    const operation = this.#operations.get(op);
    if (operation === undefined) {
      return false;
    }
    this.#operations.delete(op);
    if (error === null) {
      operation.resolve();
    } else {
      operation.reject(error);
    }
    return true;
  }

  /** Rejects all that is left. */
  rejectAll(error: DlmError): void {
    for (const op of [...this.#operations.keys()]) {
      this.settle(op, error);
    }
  }

  /** What has been out for longer than `boundMs` without standing in a queue, longest first. */
  stalled(boundMs: number): readonly StalledOperation[] {
    const now = this.#monotonic();
    const stalled: StalledOperation[] = [];
    for (const { operation, resource, sinceMs, queued } of this.#operations.values()) {
      if (!queued && now - sinceMs >= boundMs) {
        stalled.push({ operation, resource, forMs: now - sinceMs });
      }
    }
    return stalled.sort((a, b) => b.forMs - a.forMs);
  }
}
