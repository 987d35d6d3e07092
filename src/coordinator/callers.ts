import type { Answer } from './core/effect.js';
import { CoordinatorError } from './error.js';

/** Callers that wait for an answer at one time. */
export const CALLERS_MAX = 10_000;

interface Waiting {
  resolve(answer: Answer): void;
  readonly forget: () => void;
}

/** Those who wait for the core's answer, by number. */
export class Callers {
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  /**
   * Starts a request under a new number and resolves with its answer. `gone` is called when the
   * signal is aborted first; the promise then rejects with CANCELED.
   */
  ask(
    signal: AbortSignal,
    begin: (caller: number) => void,
    gone: (caller: number) => void,
  ): Promise<Answer> {
    if (this.#waiting.size >= CALLERS_MAX) {
      const text = `${CALLERS_MAX} requests wait for an answer already; try again later`;
      return Promise.reject(new CoordinatorError('LIMIT', text, { retryable: true }));
    }
    const caller = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(caller);
        gone(caller);
        reject(new CoordinatorError('CANCELED', 'the caller went away'));
      };
      const forget = (): void => signal.removeEventListener('abort', onAbort);
      this.#waiting.set(caller, { resolve, forget });
      begin(caller);
      // Answered already: a signal that lives on must not keep us in its memory.
      if (!this.#waiting.has(caller)) return;
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Delivers an answer; one that nobody waits for any more is dropped. */
  answer(caller: number, answer: Answer): void {
    const waiting = this.#waiting.get(caller);
    if (waiting === undefined) return;
    this.#waiting.delete(caller);
    waiting.forget();
    waiting.resolve(answer);
  }

  /** Answers everybody who is still waiting. */
  answerAll(answer: Answer): void {
    for (const caller of [...this.#waiting.keys()]) this.answer(caller, answer);
  }
}
