import type { Group } from '../../../src/cpg/index.js';
import type { DiskFile, ListDisk } from '../../../src/coordinator/list/disk.js';

/** Marks a moment at which a death makes a difference; false when the process is dead. */
export type Pass = () => boolean;

/** A disk on which each write has a boundary before it and one after it. */
export function watchDisk(disk: ListDisk, pass: Pass): ListDisk {
  return replace(disk, {
    create: async (path: string) => {
      const file: DiskFile = await disk.create(path);
      return replace(file, {
        write: async (bytes: Uint8Array, position: number) => {
          if (!pass()) return never();
          const written = await file.write(bytes, position);
          return pass() ? written : never();
        },
      });
    },
  });
}

/** A group with a boundary before each message and one after it. */
export function watchGroup(group: Group, pass: Pass): Group {
  return replace(group, {
    multicast: (...payload: Parameters<Group['multicast']>) => {
      if (!pass()) return never();
      const echo = group.multicast(...payload);
      pass();
      return echo;
    },
  });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** The same object with some of its calls replaced. */
function replace<Target extends object>(
  target: Target,
  calls: { readonly [Key in keyof Target]?: Target[Key] },
): Target {
  return new Proxy(target, {
    get: (object, key) => {
      const replaced: unknown = Reflect.get(calls, key);
      if (replaced !== undefined) return replaced;
      const value: unknown = Reflect.get(object, key, object);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => Reflect.apply(value, object, args) as unknown;
    },
  });
}
