import type { Clock, Timer } from '../clock.js';
import { messageOf } from '../errors.js';
import type { CoreEvent, ListCondition } from './core/event.js';
import type { ListRecord } from './core/record.js';
import type { ListCondition as FileCondition } from './list/port.js';
import type { Log, LockListPort } from './modules.js';

/** A write that takes longer is told: the disk hangs, and nothing new is taken meanwhile. */
export const WRITE_STALL_MS = 2_000;

export interface ListLinkParts {
  readonly list: LockListPort;
  readonly clock: Clock;
  readonly log: Log;
  readonly dispatch: (event: CoreEvent) => void;
  /** The disk hangs, or does no longer. */
  readonly hanging: (isHanging: boolean) => void;
  /** The list takes records again after it did not. */
  readonly recovered: () => void;
}

/** Appends to the list, and tells the core how far the list can be relied upon. */
export class ListLink {
  readonly #parts: ListLinkParts;
  #file: FileCondition = { kind: 'well' };
  #told: ListCondition = { kind: 'well' };
  /** When the append under way was begun, monotonic ms; there is one at a time. */
  #begunMs: number | null = null;
  #isHanging = false;
  #timer: Timer | null = null;

  constructor(parts: ListLinkParts) {
    this.#parts = parts;
  }

  /** Tells the condition from now on. */
  watch(): void {
    this.#parts.list.watch((condition) => {
      this.#file = condition;
      this.#tell();
    });
  }

  /** As the list's own; not to be called again before it has settled. */
  async append(records: readonly ListRecord[]): Promise<void> {
    this.#begunMs = this.#parts.clock.monotonic();
    this.#arm(WRITE_STALL_MS);
    try {
      await this.#parts.list.append(records);
    } finally {
      this.#begunMs = null;
      this.#setHanging(false);
    }
  }

  /** Watches no longer. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** One timer for the many writes of its time: arming one for each would cost every acquire. */
  #arm(delayMs: number): void {
    this.#timer ??= this.#parts.clock.setTimer(delayMs, () => {
      this.#timer = null;
      if (this.#begunMs === null) return;
      const leftMs = this.#begunMs + WRITE_STALL_MS - this.#parts.clock.monotonic();
      if (leftMs > 0) this.#arm(leftMs);
      else this.#setHanging(true);
    });
  }

  #setHanging(isHanging: boolean): void {
    if (this.#isHanging === isHanging) return;
    this.#isHanging = isHanging;
    if (isHanging) this.#parts.log('error', HANGING);
    this.#parts.hanging(isHanging);
    this.#tell();
  }

  #tell(): void {
    const now = this.#condition();
    const before = this.#told;
    if (now.kind === before.kind && textOf(now) === textOf(before)) return;
    this.#told = now;
    this.#parts.dispatch({ kind: 'list-condition', condition: now });
    if (before.kind === 'failed' && now.kind !== 'failed') this.#parts.recovered();
  }

  #condition(): ListCondition {
    if (this.#file.kind === 'failed') {
      const why = messageOf(this.#file.error);
      const text = `the lock list cannot be written (${why}): no new locks until it can`;
      return { kind: 'failed', text };
    }
    if (this.#isHanging) return { kind: 'failed', text: HANGING };
    if (this.#file.kind === 'unsynced') return { kind: 'late', text: this.#file.message };
    return { kind: 'well' };
  }
}

const HANGING =
  `the disk of the lock list hangs (a write takes more than ${WRITE_STALL_MS / 1000} s): no new ` +
  'locks until it answers, and releases wait for it; check the disk of the state directory';

function textOf(condition: ListCondition): string {
  return condition.kind === 'well' ? '' : condition.text;
}
