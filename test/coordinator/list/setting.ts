import type { Clock } from '../../../src/clock.js';
import type { LockFacts } from '../../../src/coordinator/core/record.js';
import { openLockList, type ListOptions } from '../../../src/coordinator/list/open.js';
import { MemoryDisk } from './memory-disk.js';

export const PATH = '/list/locks.jsonl';

export function lockOf(id: number, resource = `vm-${id}`): LockFacts {
  return {
    id,
    resource,
    lockName: resource,
    mode: 'EX',
    owner: { kind: 'named', name: resource },
    bootId: 'boot-1',
  };
}

export const intent = (id: number) => ({ kind: 'intent', at: id, lock: lockOf(id) }) as const;
export const held = (id: number) => ({ kind: 'held', at: id, id }) as const;
export const dropped = (id: number) => ({ kind: 'dropped', at: id, id, why: 'released' }) as const;

/** A clock whose timers fire by hand. */
export class HandClock implements Clock {
  readonly timers: { delayMs: number; callback: () => void }[] = [];
  monotonicMs = 0;

  now(): number {
    return 1_790_000_000_000;
  }

  monotonic(): number {
    return this.monotonicMs;
  }

  setTimer(delayMs: number, callback: () => void) {
    const timer = { delayMs, callback };
    this.timers.push(timer);
    return {
      cancel: () => {
        const at = this.timers.indexOf(timer);
        if (at >= 0) this.timers.splice(at, 1);
      },
    };
  }

  /** Fires what is armed now, then lets the consequences run. */
  async fire(): Promise<void> {
    for (const { callback } of this.timers.splice(0)) callback();
    await settle();
  }
}

/** Lets everything run that needs only turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export async function openOn(disk: MemoryDisk, change: Partial<ListOptions> = {}) {
  const clock = new HandClock();
  const logged: string[] = [];
  const note = (level: string) => (message: string) => logged.push(`${level} ${message}`);
  const log = { info: note('info'), warn: note('warn'), error: note('error') };
  const opened = await openLockList({
    directory: '/list', bootId: 'boot-1', lockspace: 'holdfast', clock, log, disk, ...change,
  });
  return { ...opened, clock, logged };
}

/** The ids that a list opened from these bytes has, with their states. */
export async function listedIn(content: string | Buffer) {
  const disk = new MemoryDisk();
  disk.put(PATH, content);
  const { found, list, logged } = await openOn(disk);
  await list.close();
  const states = found.locks.map(({ lock, state }) => `${lock.id} ${state}`);
  return { states, found, logged, disk };
}
