import { HoldfastError, messageOf } from '../errors.js';
import type { Effect } from './core/effect.js';
import type { CoreEvent } from './core/event.js';
import type { ListRecord } from './core/record.js';

/** Steps whose records go into one write; more wait for the next. */
const STEPS_PER_WRITE_MAX = 256;

type Persist = Extract<Effect, { kind: 'persist' }>;

export interface EffectSinks {
  append(records: readonly ListRecord[]): Promise<void>;
  /** Everything but `persist`, in order. Must not throw. */
  perform(effect: Effect): void;
  dispatch(event: CoreEvent): void;
}

/**
 * Carries out steps in their order: the records of all waiting steps in one write, and only when
 * that write has resolved, what each step sends, locks and replies.
 */
export class EffectRunner {
  readonly #sinks: EffectSinks;
  #waiting: (readonly Effect[])[] = [];
  #running = false;
  #idle: Promise<void> = Promise.resolve();
  #isWarned = false;
  /**
   * Records of a write that failed, to go before the next: the list would otherwise still name a
   * released lock as held. Bounded, since no new lock is taken while writes fail.
   */
  #unwritten: readonly ListRecord[] = [];

  constructor(sinks: EffectSinks) {
    this.#sinks = sinks;
  }

  push(effects: readonly Effect[]): void {
    if (effects.length === 0) return;
    this.#waiting.push(effects);
    if (!this.#running) {
      this.#running = true;
      this.#idle = this.#drain();
    }
  }

  /** Resolves when all that was pushed so far has been carried out. */
  async settled(): Promise<void> {
    while (this.#running) await this.#idle;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const steps = this.#waiting.splice(0, STEPS_PER_WRITE_MAX);
      const records = steps.flatMap((effects) => persistOf(effects)?.records ?? []);
      const failure = records.length === 0 ? null : await this.#write(records);
      for (const effects of steps) this.#perform(effects, failure);
    }
    this.#running = false;
  }

  async #write(records: readonly ListRecord[]): Promise<string | null> {
    const wasFailing = this.#unwritten.length > 0 || this.#isWarned;
    const failure = await this.#append([...this.#unwritten, ...records]);
    if (failure === null) {
      this.#unwritten = [];
      this.#isWarned = false;
      if (wasFailing) this.#sinks.dispatch({ kind: 'warning', topic: 'list', text: null });
      return null;
    }
    this.#isWarned = true;
    // An intent that was not written stands for nothing: its lock is not asked for.
    const kept = records.filter((record) => record.kind !== 'intent');
    this.#unwritten = failure.mayRetry ? [...this.#unwritten, ...kept] : [];
    return failure.message;
  }

  async #append(
    records: readonly ListRecord[],
  ): Promise<{ readonly message: string; readonly mayRetry: boolean } | null> {
    try {
      await this.#sinks.append(records);
      return null;
    } catch (error) {
      const message = messageOf(error);
      const text = `the lock list cannot be written: ${message}; no new locks until it can`;
      this.#sinks.dispatch({ kind: 'warning', topic: 'list', text });
      // A record that the list will never take must not keep out those that come after it.
      return { message, mayRetry: !(error instanceof HoldfastError) || error.retryable };
    }
  }

  /** One effect that fails must not hold up all that come after it. */
  #performOne(effect: Effect): void {
    try {
      this.#sinks.perform(effect);
    } catch (error) {
      const text = `'${effect.kind}' could not be carried out: ${messageOf(error)}`;
      this.#sinks.dispatch({ kind: 'warning', topic: `effect ${effect.kind}`, text });
    }
  }

  #perform(effects: readonly Effect[], failure: string | null): void {
    const unlisted = failure === null ? [] : intentsOf(effects);
    for (const effect of effects) {
      if (effect.kind === 'persist' || isTakeOf(effect, unlisted)) continue;
      this.#performOne(effect);
    }
    if (failure !== null && unlisted.length > 0) {
      this.#sinks.dispatch({ kind: 'intent-failed', ids: unlisted, message: failure });
    }
  }
}

/** The locks that this step announced to the list for the first time. */
function intentsOf(effects: readonly Effect[]): readonly number[] {
  const ids: number[] = [];
  for (const record of persistOf(effects)?.records ?? []) {
    if (record.kind === 'intent') ids.push(record.lock.id);
  }
  return ids;
}

function isTakeOf(effect: Effect, ids: readonly number[]): boolean {
  return effect.kind === 'lock' && effect.action.kind === 'take' && ids.includes(effect.action.id);
}

function persistOf(effects: readonly Effect[]): Persist | undefined {
  const first = effects[0];
  return first?.kind === 'persist' ? first : undefined;
}
