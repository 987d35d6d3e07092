import type { Member } from '../port.js';

/** `next`: in step. `repeated`: it or an older one came already. A number: so many are missing. */
export type Step = 'next' | 'repeated' | number;

/** Half of the numbers: what is further ahead than this is taken for behind. */
const AHEAD_MAX = 2 ** 31;

/**
 * Follows the numbers of each sender's frames. Corosync keeps one sender's order but may lose
 * messages of a node that was paused, or that was cut off for a while.
 */
export class FrameSequence {
  readonly #last = new Map<string, number>();
  readonly #sendersMax: number;

  constructor(sendersMax: number) {
    this.#sendersMax = sendersMax;
  }

  /** Senders kept track of; never more than `sendersMax`, beyond which none is checked. */
  get senders(): number {
    return this.#last.size;
  }

  /** The first frame of a sender is in step, whatever its number. */
  take({ nodeId, pid }: Member, sequence: number): Step {
    const key = `${nodeId}/${pid}`;
    const last = this.#last.get(key);
    if (last === undefined) {
      if (this.#last.size < this.#sendersMax) this.#last.set(key, sequence);
      return 'next';
    }
    const ahead = (sequence - last) >>> 0;
    if (ahead === 0 || ahead >= AHEAD_MAX) return 'repeated';
    this.#last.set(key, sequence);
    return ahead === 1 ? 'next' : ahead - 1;
  }

  /** The member's next frame will be its first one. */
  forget({ nodeId, pid }: Member): void {
    this.#last.delete(`${nodeId}/${pid}`);
  }

  /** Forgets all who are not in this list. */
  retain(members: readonly Member[]): void {
    const kept = new Set(members.map(({ nodeId, pid }) => `${nodeId}/${pid}`));
    for (const key of [...this.#last.keys()]) if (!kept.has(key)) this.#last.delete(key);
  }
}
