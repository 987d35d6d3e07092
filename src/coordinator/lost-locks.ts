import { describeOwner, type Owner } from './core/owner.js';
import type { CoordinatorEvent, LockView } from './core/view.js';

/** More than that are only counted: a whole lockspace was lost then, and the log names all. */
export const LOST_LOCKS_MAX = 1_024;
const WARNINGS_MAX = 8;

/**
 * The locks that their owners believe to hold and the kernel no longer has. Each is remembered
 * until its owner gets it anew, releases it, or the daemon ends: until then whoever asks for it is
 * told that it was lost, not merely that it is not held.
 */
export class LostLocks {
  readonly #lost = new Map<string, LockView>();
  readonly #nodeId: () => number;
  #unlisted = 0;

  /** `nodeId`: this node's, whose locks count; 0 before corosync has told. */
  constructor(nodeId: () => number) {
    this.#nodeId = nodeId;
  }

  /** In the order in which they were lost. */
  get all(): readonly LockView[] {
    return [...this.#lost.values()];
  }

  /** For `status`, one for each that is named and one for the rest. */
  get warnings(): readonly string[] {
    const named = this.all.slice(0, WARNINGS_MAX).map(({ resource, owner, since }) => {
      const who = owner === null ? 'an unknown owner' : describeOwner(owner);
      return `'${resource}' of ${who}, held since ${since}, is LOST: stop what it protected, then ` +
        'release it';
    });
    const more = this.#lost.size - named.length + this.#unlisted;
    return more === 0 ? named : [...named, `${more} more locks are LOST; the log names them`];
  }

  find(resource: string, owner: Owner): LockView | null {
    return this.#lost.get(keyOf(resource, owner)) ?? null;
  }

  /** Learns from what the coordinator publishes. */
  note(event: CoordinatorEvent): void {
    if (event.type !== 'lock' || event.lock.owner === null) return;
    const { lock } = event;
    // Nearly always: every grant and every release comes by here.
    if (lock.state !== 'lost' && this.#lost.size === 0) return;
    const self = this.#nodeId();
    if (lock.node.id !== self && lock.node.id !== 0) return;
    const key = keyOf(lock.resource, event.lock.owner);
    if (lock.state === 'held') this.#lost.delete(key);
    if (lock.state !== 'lost') return;
    if (this.#lost.size < LOST_LOCKS_MAX) this.#lost.set(key, lock);
    else this.#unlisted += 1;
  }

  /** Its owner has given it up: there is nothing left to warn of. */
  forget(resource: string, owner: Owner): void {
    if (this.#lost.size > 0) this.#lost.delete(keyOf(resource, owner));
  }
}

function keyOf(resource: string, owner: Owner): string {
  return JSON.stringify([resource, owner]);
}
