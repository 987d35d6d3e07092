import type { LockManager, Lockspace, TakeRequest } from '../../src/dlm/index.js';
import { never } from './sim-disk.js';

/** The process that asks the lock manager. */
export interface LockUser {
  /** Marks a boundary; false when the process is dead, at that point or before. */
  pass(label: string): boolean;
  /** The kernel is asked for a new lock. */
  noteTake(resource: string): void;
}

/** The calls that change something in the kernel, or on whose answer something depends. */
const WATCHED: ReadonlySet<string> = new Set<keyof Lockspace>([
  'take', 'convert', 'cancel', 'unlock', 'adopt', 'localLocks', 'release',
]);

/**
 * The lock manager as a process that may die sees it: a boundary before each call, after the
 * call, and when its answer comes; no call of a dead process reaches it.
 */
export function watchLocks(lockManager: LockManager, user: LockUser): LockManager {
  return wrap(lockManager, (key, call) => {
    if (key !== 'openLockspace') return call;
    return async (...args) => {
      const opened = (await call(...args)) as Lockspace;
      return user.pass('lockspace is open') ? watchLockspace(opened, user) : never();
    };
  });
}

function watchLockspace(lockspace: Lockspace, user: LockUser): Lockspace {
  return wrap(lockspace, (key, call) => (WATCHED.has(key) ? watch(key, call, user) : call));
}

type Call = (...args: unknown[]) => unknown;

function watch(key: string, call: Call, user: LockUser): Call {
  return (...args) => {
    const what = `${key} ${args.map((arg) => JSON.stringify(arg)).join(' ')}`;
    if (!user.pass(`before ${what}`)) return deadAnswer(key);
    if (key === 'take') user.noteTake((args[0] as TakeRequest).resource);
    const result = call(...args);
    const isAlive = user.pass(`after ${what}`);
    // Heard even by the dead: a refusal that nobody hears would be an error of its own.
    if (result instanceof Promise) return heard(result, key, user);
    if (typeof result !== 'object' || result === null || !('granted' in result)) return result;
    const granted = heard(Promise.resolve(result.granted), key, user);
    return isAlive ? { ...result, granted } : deadAnswer(key);
  };
}

/** The answer, unless the process dies before it is heard. */
async function heard(answer: Promise<unknown>, key: string, user: LockUser): Promise<unknown> {
  try {
    const result = await answer;
    return user.pass(`answer to ${key}`) ? result : await never();
  } catch (thrown) {
    if (user.pass(`refusal of ${key}`)) throw thrown;
    return never();
  }
}

function deadAnswer(key: string): unknown {
  return key === 'take' ? { id: 0, granted: never() } : never();
}

/** The same object with some of its calls replaced. */
function wrap<Target extends object>(
  target: Target, replace: (key: string, call: Call) => Call,
): Target {
  return new Proxy(target, {
    get: (object, key) => {
      const value: unknown = Reflect.get(object, key, object);
      if (typeof value !== 'function') return value;
      const call: Call = (...args) => Reflect.apply(value, object, args) as unknown;
      return typeof key === 'string' ? replace(key, call) : call;
    },
  });
}
