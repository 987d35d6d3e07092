import type { LockAction } from '../../../src/coordinator/core/effect.js';
import type { CoreEvent, KernelOrphan } from '../../../src/coordinator/core/event.js';
import { areCompatible, type LockMode } from '../../../src/coordinator/core/mode.js';

interface KernelLock {
  readonly lockName: string;
  mode: LockMode;
  granted: boolean;
  /** The convert that is under way. */
  convert: { readonly mode: LockMode; readonly wait: boolean } | null;
  readonly wait: boolean;
  canceled: boolean;
}

/** What a lock manager and its kernel do with the actions of one core; decides when told to. */
export class KernelModel {
  readonly locks = new Map<number, KernelLock>();
  readonly #unlocking = new Set<number>();
  #answers: CoreEvent[] = [];
  orphans: KernelOrphan[] = [];
  isOpen = false;

  perform(action: LockAction): void {
    if (!this.isOpen) return;
    const { id } = action;
    const lock = this.locks.get(id);
    switch (action.kind) {
      case 'take': {
        if (lock !== undefined) throw new Error(`lock ${id} is taken twice`);
        const { lockName, mode, wait } = action;
        const taken = { lockName, mode, wait, granted: false, convert: null, canceled: false };
        this.locks.set(id, taken);
        break;
      }
      case 'cancel':
        if (lock !== undefined) lock.canceled = true;
        break;
      case 'convert': {
        if (lock?.granted !== true || this.#unlocking.has(id)) throw new Error(`convert of ${id}`);
        lock.convert = { mode: action.mode, wait: action.wait };
        lock.canceled = false;
        break;
      }
      case 'unlock':
        if (lock !== undefined && lock.convert !== null && !action.force) {
          throw new Error(`lock ${id} is converting: the kernel says EBUSY`);
        }
        if (lock !== undefined) lock.convert = null;
        this.#unlocking.add(id);
        break;
      case 'adopt':
        this.#adopt(id, action.lockName, action.mode);
        break;
      default:
        action satisfies never;
    }
  }

  #adopt(id: number, lockName: string, mode: LockMode): void {
    const exact = this.orphans.findIndex((one) => one.lockName === lockName && one.mode === mode);
    if (exact >= 0) {
      this.orphans.splice(exact, 1);
      const held = { lockName, mode, wait: true, granted: true, convert: null, canceled: false };
      this.locks.set(id, held);
      this.#answers.push({ kind: 'adopted', id });
      return;
    }
    const code = this.orphans.some((one) => one.lockName === lockName) ? 'OTHER_MODE' : 'NO_ORPHAN';
    this.#answers.push({ kind: 'adopt-failed', id, failure: { code, message: code } });
  }

  /** Decides one thing that is open, picked by `choice`; null when nothing is. */
  decide(choice: number): CoreEvent | null {
    const open: (() => CoreEvent)[] = [];
    const answer = this.#answers[0];
    if (answer !== undefined) {
      open.push(() => {
        this.#answers.shift();
        return answer;
      });
    }
    for (const id of this.#unlocking) open.push(() => this.#unlock(id));
    for (const [id, lock] of this.locks) {
      if (lock.convert !== null) {
        const { mode, wait } = lock.convert;
        if (this.#mayGrant(lock, mode)) open.push(() => this.#convert(id, lock, mode));
        else if (!wait) open.push(() => this.#keep(id, lock, 'WOULD_BLOCK'));
        else if (choice % 4 === 0) open.push(() => this.#keep(id, lock, 'DEADLOCK'));
        if (lock.canceled) open.push(() => this.#keep(id, lock, 'CANCELED'));
      }
      if (lock.granted) continue;
      if (this.#mayGrant(lock)) open.push(() => this.#grant(id, lock));
      else if (!lock.wait) open.push(() => this.#refuse(id, 'WOULD_BLOCK'));
      if (lock.canceled) open.push(() => this.#refuse(id, 'CANCELED'));
    }
    return open[choice % Math.max(open.length, 1)]?.() ?? null;
  }

  #convert(id: number, lock: KernelLock, mode: LockMode): CoreEvent {
    lock.mode = mode;
    lock.convert = null;
    return { kind: 'converted', id };
  }

  #keep(id: number, lock: KernelLock, code: string): CoreEvent {
    lock.convert = null;
    return { kind: 'convert-failed', id, failure: { code, message: code } };
  }

  #mayGrant(wanted: KernelLock, mode = wanted.mode): boolean {
    const orphans = this.orphans.map((one) => ({ ...one, granted: true }));
    const others = [...this.locks.values(), ...orphans];
    return others.every((other) => {
      const inTheWay = other !== wanted && other.granted && other.lockName === wanted.lockName;
      return !inTheWay || areCompatible(other.mode, mode);
    });
  }

  #grant(id: number, lock: KernelLock): CoreEvent {
    lock.granted = true;
    return { kind: 'granted', id };
  }

  #refuse(id: number, code: string): CoreEvent {
    this.locks.delete(id);
    return { kind: 'take-failed', id, failure: { code, message: code } };
  }

  #unlock(id: number): CoreEvent {
    this.#unlocking.delete(id);
    if (this.locks.delete(id)) return { kind: 'unlocked', id };
    const failure = { code: 'UNKNOWN_LOCK', message: 'not known' };
    return { kind: 'unlock-failed', id, failure };
  }

  /** The process that speaks to the kernel dies: everything becomes an orphan, in any order. */
  lose(choice: number): void {
    this.isOpen = false;
    for (const lock of this.locks.values()) {
      // So may a convert.
      if (lock.convert !== null && choice % 3 === 0 && this.#mayGrant(lock, lock.convert.mode)) {
        lock.mode = lock.convert.mode;
      }
      lock.convert = null;
    }
    for (const [id, { lockName, mode, granted }] of this.locks) {
      if (this.#unlocking.has(id) && choice % 2 === 0) continue;
      // A grant may have happened although nobody heard of it.
      const isUnheard = !granted && choice % 3 === 0 && this.#mayGrant({
        lockName, mode, granted, wait: true, convert: null, canceled: false,
      });
      const orphan = { lockName, mode: granted || isUnheard ? mode : ('NL' as const) };
      if (choice % 5 < 2) this.orphans.push(orphan);
      else this.orphans.unshift(orphan);
      const lock = this.locks.get(id);
      if (lock !== undefined && isUnheard) lock.granted = true;
    }
    this.locks.clear();
    this.#unlocking.clear();
    this.#answers = [];
  }
}
