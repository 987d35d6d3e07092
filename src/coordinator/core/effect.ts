import { HANDOVER_CALLER } from './handover.js';
import type { ManifestEntry, MessageBody } from './message.js';
import type { LockMode } from './mode.js';
import type { Owner } from './owner.js';
import type { ListRecord } from './record.js';
import type { CoordinatorEvent, LockView } from './view.js';

export type RefusalCode =
  | 'HELD' | 'TIMEOUT' | 'CANCELED' | 'DEADLOCK' | 'NOT_HELD' | 'NOT_OWNER' | 'BUSY'
  | 'STARTING' | 'NO_QUORUM' | 'RECOVERING' | 'ISOLATED'
  | 'LIST_FAILED' | 'LOCKS_HELD' | 'OWNER_GONE' | 'LIMIT' | 'LOCK_MANAGER' | 'STOPPING'
  | 'HANDOVER' | 'NOT_OFFERED' | 'NOT_JOINED' | 'NO_SUCH_NODE';

/**
 * The answer to a caller. `id`, where there is one, is the lock that its owner is told it holds:
 * the shell gives no such answer of a lock that could not be listed as held.
 */
export type Answer =
  | {
      readonly kind: 'acquired';
      readonly id: number;
      readonly lock: LockView;
      readonly acquired: boolean;
    }
  | {
      readonly kind: 'acquired-set';
      /** In the order in which they were asked for. */
      readonly members: readonly {
        readonly id: number;
        readonly lock: LockView;
        readonly acquired: boolean;
      }[];
    }
  /**
   * An owner's lock has another mode now than `from`, or has it again. `pending`: it gives up
   * protection, and will be finished when the lockspace runs; the owner must count on the weaker.
   */
  | {
      readonly kind: 'converted';
      readonly id: number;
      readonly lock: LockView;
      readonly from: LockMode;
      readonly pending: boolean;
    }
  | { readonly kind: 'released'; readonly released: boolean; readonly pending: boolean }
  /**
   * How far a handover is at this end. `exclusive`: it has ended here, and the lock is this
   * owner's alone. `released`: it has ended at the other end, or will; nothing is held here.
   */
  | {
      readonly kind: 'handover';
      readonly at: 'offered' | 'joined' | 'exclusive';
      readonly id: number;
      readonly lock: LockView;
    }
  | { readonly kind: 'handover'; readonly at: 'released'; readonly lock: null }
  /** Nothing of this node is in the kernel's way any more; the daemon may go. */
  | { readonly kind: 'stopped'; readonly kept: number }
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      readonly message: string;
      readonly retryable: boolean;
      readonly holders: readonly LockView[];
    };

/** What the lock manager is asked for; the shell turns `id` into the lock manager's own. */
export type LockAction =
  | {
      readonly kind: 'take';
      readonly id: number;
      readonly lockName: string;
      readonly mode: LockMode;
      readonly wait: boolean;
    }
  | { readonly kind: 'cancel'; readonly id: number }
  | {
      readonly kind: 'convert';
      readonly id: number;
      readonly mode: LockMode;
      readonly wait: boolean;
    }
  /** `force`: also while a convert of it is under way, which fails then. */
  | { readonly kind: 'unlock'; readonly id: number; readonly force: boolean }
  | {
      readonly kind: 'adopt';
      readonly id: number;
      readonly lockName: string;
      readonly mode: LockMode;
    };

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/**
 * What the shell must do, in the order of the list: tell, at once; persist, then multicast, then
 * lock, then reply; news in front of the persist are told before its records are written. When the
 * write fails, a take whose `intent` was in it is not carried out, nor a convert whose `converting`
 * was, and the shell says so with an `intent-failed` or `convert-unlisted` event; the rest goes on,
 * since the kernel and the older records still prove what is held.
 */
export type Effect =
  /** `isLate`: what the step does need not wait until they are written. */
  | { readonly kind: 'persist'; readonly records: readonly ListRecord[]; readonly isLate: boolean }
  | { readonly kind: 'send'; readonly body: MessageBody }
  | {
      readonly kind: 'send-snapshot';
      readonly manifestVersion: number;
      readonly entries: readonly ManifestEntry[];
    }
  /** For that opening of the lockspace only: in a later one the kernel is asked anew. */
  | { readonly kind: 'lock'; readonly action: LockAction; readonly opening: number }
  /** Reads which locks this node has in the kernel; answered by `locks-read` of that round. */
  | { readonly kind: 'read-locks'; readonly round: number; readonly opening: number }
  /** Raises the mark on disk above that number, beside everything else; tells when it is synced. */
  | { readonly kind: 'reserve-generations'; readonly above: number }
  /**
   * All members of a set are granted, and the step's records list these locks as held. The shell
   * says `set-listed` when those are written. When they are not, it forgets them (the set stands
   * for nothing then) and says `set-unlisted`.
   */
  | { readonly kind: 'confirm-set'; readonly set: number; readonly ids: readonly number[] }
  /**
   * The step's records list this lock as held for the first time. When they are not written, the
   * shell forgets them, tells nobody that the lock is held, and says `held-unlisted`.
   */
  | { readonly kind: 'confirm-held'; readonly id: number }
  | { readonly kind: 'watch-owner'; readonly id: number; readonly owner: Owner }
  | { readonly kind: 'unwatch-owner'; readonly id: number }
  | { readonly kind: 'reply'; readonly caller: number; readonly answer: Answer }
  | { readonly kind: 'publish'; readonly event: CoordinatorEvent }
  /** What is so whatever our list says: of nodes, of their locks, of the standing. Told at once. */
  | { readonly kind: 'tell'; readonly event: CoordinatorEvent }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string };

/** What a set is told of one of its members. */
export interface InnerAnswer {
  readonly caller: number;
  readonly answer: Answer;
}

/** Gathers one step's effects and hands them out in the order of the contract. */
export class EffectCollector {
  readonly #news: Effect[] = [];
  readonly #reports: Effect[] = [];
  readonly #records: ListRecord[] = [];
  #isLate = true;
  readonly #sends: Effect[] = [];
  readonly #locks: ((opening: number) => Effect)[] = [];
  readonly #replies: Effect[] = [];
  #inner: InnerAnswer[] = [];

  persist(record: ListRecord): void {
    this.#records.push(record);
    this.#isLate = false;
  }

  /** A record without which the list is as true: it says less, and the kernel the rest. */
  persistLate(record: ListRecord): void {
    this.#records.push(record);
  }

  send(body: MessageBody): void {
    this.#sends.push({ kind: 'send', body });
  }

  sendSnapshot(manifestVersion: number, entries: readonly ManifestEntry[]): void {
    this.#sends.push({ kind: 'send-snapshot', manifestVersion, entries });
  }

  lock(action: LockAction): void {
    this.#locks.push((opening) => ({ kind: 'lock', action, opening }));
  }

  readLocks(round: number): void {
    this.#locks.push((opening) => ({ kind: 'read-locks', round, opening }));
  }

  reserveGenerations(above: number): void {
    this.#locks.push(() => ({ kind: 'reserve-generations', above }));
  }

  watchOwner(id: number, owner: Owner): void {
    this.#locks.push(() => ({ kind: 'watch-owner', id, owner }));
  }

  unwatchOwner(id: number): void {
    this.#locks.push(() => ({ kind: 'unwatch-owner', id }));
  }

  /** To a caller from outside, or to a set of the core's own (see lock-set.ts). */
  reply(caller: number, answer: Answer): void {
    if (caller === HANDOVER_CALLER) return;
    if (caller < 0) this.#inner.push({ caller, answer });
    else this.#replies.push({ kind: 'reply', caller, answer });
  }

  confirmSet(set: number, ids: readonly number[]): void {
    this.#locks.push(() => ({ kind: 'confirm-set', set, ids }));
  }

  confirmHeld(id: number): void {
    this.#locks.push(() => ({ kind: 'confirm-held', id }));
  }

  /** The answers to sets since the last call. */
  takeInner(): readonly InnerAnswer[] {
    const answers = this.#inner;
    this.#inner = [];
    return answers;
  }

  /** News that waits for no write: each comes after all that were told before it. */
  tell(event: CoordinatorEvent): void {
    this.#news.push({ kind: 'tell', event });
  }

  /** News of an own lock, after its records. */
  publish(event: CoordinatorEvent): void {
    this.#replies.push({ kind: 'publish', event });
  }

  log(level: LogLevel, message: string): void {
    this.#replies.push({ kind: 'log', level, message });
  }

  /**
   * Says that a lock which its owner was told is gone, *before* the list forgets it: a crash in
   * between has it said twice, never not at all.
   */
  report(message: string, event: CoordinatorEvent | null = null): void {
    this.#reports.push({ kind: 'log', level: event === null ? 'warn' : 'error', message });
    if (event !== null) this.#reports.push({ kind: 'publish', event });
  }

  /** All of them, in the order of the contract; lock actions for that opening. */
  ordered(opening: number): readonly Effect[] {
    const [records, isLate] = [this.#records, this.#isLate];
    const persist: Effect[] = records.length === 0 ? [] : [{ kind: 'persist', records, isLate }];
    const locks = this.#locks.map((effect) => effect(opening));
    const ahead = [...this.#news, ...this.#reports];
    return [...ahead, ...persist, ...this.#sends, ...locks, ...this.#replies];
  }
}
