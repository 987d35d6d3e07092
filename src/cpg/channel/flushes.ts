import type { CpgError } from '../error.js';
import type { Settler } from './settler.js';

/** Counts messages from taken to settled, in order, and tells those who await a point of it. */
export class Flushes {
  #taken = 0;
  #settled = 0;
  #waiting: (Settler & { readonly upTo: number })[] = [];

  taken(): void {
    this.#taken += 1;
  }

  /** The oldest ones have come back. */
  echoed(messages: number): void {
    this.#settled += messages;
    while (this.#waiting[0] !== undefined && this.#waiting[0].upTo <= this.#settled) {
      this.#waiting.shift()?.resolve();
    }
  }

  /** The oldest ones are lost: everybody who waits has waited for them, too. */
  lost(messages: number, cause: CpgError): void {
    this.#settled += messages;
    for (const { reject } of this.#waiting.splice(0)) reject(cause);
  }

  /** All are lost; gives how many. */
  drop(cause: CpgError): number {
    const messages = this.#taken - this.#settled;
    this.lost(messages, cause);
    return messages;
  }

  wait(): Promise<void> {
    if (this.#taken === this.#settled) return Promise.resolve();
    const upTo = this.#taken;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ upTo, resolve, reject });
    });
  }
}
