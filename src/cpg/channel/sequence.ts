import type { Member } from '../port.js';

/** `next`: in step. `repeated`: it or an older one came already. A number: so many are missing. */
export type Step = 'next' | 'repeated' | number;

/** Half of the numbers: what is further ahead than this is taken for behind. */
const AHEAD_MAX = 2 ** 31;

/** The number of a sender's last frame; `away` while its node is, and until it is heard again. */
interface Row {
  readonly last: number;
  readonly away: boolean;
}

/**
 * Follows the numbers of each sender's frames. Corosync keeps one sender's order but may lose
 * messages of a node that was paused, or that was cut off for a while.
 */
export class FrameSequence {
  readonly #rows = new Map<string, Row>();
  readonly #sendersMax: number;

  constructor(sendersMax: number) {
    this.#sendersMax = sendersMax;
  }

  /** Senders kept track of; never more than `sendersMax`, beyond which none is checked. */
  get senders(): number {
    return this.#rows.size;
  }

  /** The first frame of a sender is in step, whatever its number. */
  take(from: Member, sequence: number): Step {
    const key = keyOf(from);
    const row = this.#rows.get(key);
    if (row === undefined) {
      if (this.#hasRoom()) this.#rows.set(key, { last: sequence, away: false });
      return 'next';
    }
    const ahead = (sequence - row.last) >>> 0;
    const isBehind = ahead === 0 || ahead >= AHEAD_MAX;
    if (isBehind && !row.away) return 'repeated';
    this.#rows.set(key, { last: sequence, away: false });
    // Behind, from one who was away: another process by now, whose pid is the same.
    return isBehind || ahead === 1 ? 'next' : ahead - 1;
  }

  /** The member's next frame will be its first one. */
  forget(member: Member): void {
    this.#rows.delete(keyOf(member));
  }

  /**
   * The member's node is not to be heard for a while. What it goes on with tells what is missing,
   * unless it is behind: then another process has its number.
   */
  away(member: Member): void {
    const row = this.#rows.get(keyOf(member));
    if (row !== undefined) this.#rows.set(keyOf(member), { last: row.last, away: true });
  }

  /** Forgets all who are neither in this list nor away. */
  retain(members: readonly Member[]): void {
    const kept = new Set(members.map(keyOf));
    for (const [key, { away }] of [...this.#rows]) {
      if (!away && !kept.has(key)) this.#rows.delete(key);
    }
  }

  /** Whoever is away goes first: many of those never come back. */
  #hasRoom(): boolean {
    if (this.#rows.size < this.#sendersMax) return true;
    for (const [key, { away }] of this.#rows) if (away) return this.#rows.delete(key);
    return false;
  }
}

function keyOf({ nodeId, pid }: Member): string {
  return `${nodeId}/${pid}`;
}
