import type { Clock } from '../../clock.js';
import type { ListError } from './error.js';
import type { ListCondition, ListLog } from './port.js';

/** A sync that takes longer is told: the disk hangs, or is far too slow. */
export const SYNC_STALL_MS = 10_000;

interface Parts {
  readonly path: string;
  readonly clock: Clock;
  readonly log: ListLog;
}

/** Keeps what is told of the list's condition: each change once, to the log and to who watches. */
export class ConditionTeller {
  readonly #parts: Parts;
  readonly #listeners: ((condition: ListCondition) => void)[] = [];
  #failure: ListError | null = null;
  #lateSyncs = 0;
  #told: ListCondition = { kind: 'well' };

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  watch(listener: (condition: ListCondition) => void): void {
    this.#listeners.push(listener);
    listener(this.#told);
  }

  /** The file failed for this reason, or could be written anew. */
  setFailure(failure: ListError | null): void {
    this.#failure = failure;
    this.#tell();
  }

  /** A sync begins; call what it returns when the sync has ended, however it ended. */
  beginSync(): () => void {
    let isLate = false;
    const timer = this.#parts.clock.setTimer(SYNC_STALL_MS, () => {
      isLate = true;
      this.#lateSyncs += 1;
      this.#tell();
    });
    return () => {
      timer.cancel();
      if (!isLate) return;
      isLate = false;
      this.#lateSyncs -= 1;
      this.#tell();
    };
  }

  #tell(): void {
    const now = this.#condition();
    const before = this.#told;
    if (isSame(now, before)) return;
    this.#told = now;
    this.#log(now);
    for (const listener of this.#listeners) listener(now);
  }

  #condition(): ListCondition {
    if (this.#failure !== null) return { kind: 'failed', error: this.#failure };
    if (this.#lateSyncs === 0) return { kind: 'well' };
    const forS = SYNC_STALL_MS / 1000;
    const message =
      `the disk of the lock list ${this.#parts.path} has not ended a sync within ${forS} s; ` +
      'exclusive locks are granted only while numbers for them are reserved; check the disk';
    return { kind: 'unsynced', message };
  }

  #log(condition: ListCondition): void {
    const { log, path } = this.#parts;
    switch (condition.kind) {
      case 'well':
        log.info(`the lock list ${path} is written and synced again`);
        break;
      case 'unsynced':
        log.warn(condition.message);
        break;
      case 'failed':
        log.error(condition.error.message);
        break;
      default:
        condition satisfies never;
    }
  }
}

/** A repair that fails again with the same code is no news. */
function isSame(one: ListCondition, other: ListCondition): boolean {
  if (one.kind !== 'failed' || other.kind !== 'failed') return one.kind === other.kind;
  return one.error.code === other.error.code;
}
