import type { Clock, Timer } from '../../clock.js';
import type { StalledOperation } from '../../dlm/index.js';

interface Inside {
  readonly operation: string;
  readonly resource: string;
  readonly sinceMs: number;
}

/** Reports operations that have been inside the lock manager for too long, and when none is. */
export class StallWatch {
  readonly #clock: Clock;
  readonly #stalledMs: number;
  readonly #report: (operations: readonly StalledOperation[]) => void;
  readonly #inside = new Set<Inside>();
  #timer: Timer | null = null;
  #reported = false;

  constructor(
    clock: Clock, stalledMs: number, report: (operations: readonly StalledOperation[]) => void,
  ) {
    this.#clock = clock;
    this.#stalledMs = stalledMs;
    this.#report = report;
  }

  /** An operation goes in; call what is returned when it has come out. */
  begin(operation: string, resource: string): () => void {
    const inside = { operation, resource, sinceMs: this.#clock.monotonic() };
    this.#inside.add(inside);
    this.#arm();
    return () => this.#inside.delete(inside);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#inside.clear();
  }

  #arm(): void {
    this.#timer ??= this.#clock.setTimer(this.#stalledMs, () => this.#look());
  }

  #look(): void {
    this.#timer = null;
    const nowMs = this.#clock.monotonic();
    // The first is inside the kernel, as a child that is single-threaded; the others wait behind.
    const stalled = [...this.#inside]
      .filter(({ sinceMs }) => nowMs - sinceMs >= this.#stalledMs)
      .map(({ operation, resource, sinceMs }, index): StalledOperation => {
        const forMs = nowMs - sinceMs;
        const inKernel = index === 0 ? { forMs, processState: 'D', waitsIn: null } : null;
        return { operation, resource, forMs, inKernel };
      });
    if (stalled.length > 0 || this.#reported) this.#report(stalled);
    this.#reported = stalled.length > 0;
    if (this.#inside.size > 0 || this.#reported) this.#arm();
  }
}
