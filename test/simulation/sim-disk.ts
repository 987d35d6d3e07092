import type { DiskClaim, DiskFile, ListDisk } from '../../src/coordinator/list/disk.js';
import { ListError } from '../../src/coordinator/list/error.js';

interface Inode {
  bytes: Buffer;
  /** So much of it has been synced. */
  syncedBytes: number;
}

/** What a disk asks of the process that uses it. */
export interface DiskUser {
  /** Marks a boundary, within a write of so many bytes; false when the process is dead. */
  pass(label: string, bytes?: number): boolean;
  /** Resolves in a later turn of the process; never when it is dead by then. */
  later(): Promise<void>;
}

/** How much of a torn write has gone out, of its bytes. */
type Tear = (bytes: number) => number;

/**
 * A node's disk as its processes see it, and what its crashes leave: a dead process's calls do
 * nothing; a machine that dies keeps what was synced and some of the rest.
 */
export class SimDisk {
  #names = new Map<string, Inode>();
  /** The names that a power cut leaves for certain. */
  #durableNames = new Map<string, Inode>();
  #claimedBy: DiskUser | null = null;

  bytesOf(path: string): Buffer | null {
    return this.#names.get(path)?.bytes ?? null;
  }

  /** Replaces what is under the name, as damage does; nothing when there is no such file. */
  damage(path: string, change: (bytes: Buffer) => Buffer): void {
    const inode = this.#names.get(path);
    if (inode === undefined) return;
    inode.bytes = change(inode.bytes);
    inode.syncedBytes = inode.bytes.byteLength;
  }

  /** The process is gone, and its claim with it. */
  forget(user: DiskUser): void {
    if (this.#claimedBy === user) this.#claimedBy = null;
  }

  /**
   * The power goes. `kept` is the part of what was not synced that is there all the same; a rename
   * that was not synced is kept when it is at least a half.
   */
  losePower(kept: number): void {
    this.#claimedBy = null;
    const names = kept >= 0.5 ? this.#names : this.#durableNames;
    this.#names = new Map();
    for (const [path, { bytes, syncedBytes }] of names) {
      const more = Math.floor((bytes.byteLength - syncedBytes) * kept);
      const left = bytes.subarray(0, syncedBytes + more);
      this.#names.set(path, { bytes: left, syncedBytes: left.byteLength });
    }
    this.#durableNames = new Map(this.#names);
  }

  /** The disk as one process uses it. `tear` cuts a write in which the process dies. */
  for(user: DiskUser, tear: Tear): ListDisk {
    const act = async (label: string, effect: () => void): Promise<void> => {
      if (!user.pass(`before ${label}`)) return never();
      await user.later();
      effect();
      if (!user.pass(`after ${label}`)) return never();
    };
    return {
      claim: (directory) => this.#claim(directory, user),
      read: async (path) => {
        await user.later();
        return this.#names.get(path)?.bytes ?? null;
      },
      create: async (path) => {
        const inode = { bytes: Buffer.alloc(0), syncedBytes: 0 };
        await act(`create ${path}`, () => this.#names.set(path, inode));
        return fileOf(inode, user, act, tear);
      },
      rename: (from, to) => act(`rename to ${to}`, () => this.#rename(from, to)),
      link: (existing, added) => act(`link ${added}`, () => this.#link(existing, added)),
      remove: (path) => act(`remove ${path}`, () => this.#remove(path)),
      syncDirectory: () => act('sync of the directory', () => {
        this.#durableNames = new Map(this.#names);
      }),
    };
  }

  #claim(directory: string, user: DiskUser): Promise<DiskClaim> {
    if (this.#claimedBy !== null) {
      return Promise.reject(new ListError('IN_USE', `${directory} is claimed`));
    }
    this.#claimedBy = user;
    const release = (): Promise<void> => {
      this.forget(user);
      return Promise.resolve();
    };
    return Promise.resolve({ release });
  }

  #rename(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode === undefined) throw errorOf('ENOENT', from);
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  #link(existing: string, added: string): void {
    const inode = this.#names.get(existing);
    if (inode === undefined) throw errorOf('ENOENT', existing);
    if (this.#names.has(added)) throw errorOf('EEXIST', added);
    this.#names.set(added, inode);
  }

  #remove(path: string): void {
    if (!this.#names.delete(path)) throw errorOf('ENOENT', path);
  }
}

type Act = (label: string, effect: () => void) => Promise<void>;

function fileOf(inode: Inode, user: DiskUser, act: Act, tear: Tear): DiskFile {
  const put = (bytes: Uint8Array, position: number): void => {
    inode.bytes = Buffer.concat([inode.bytes.subarray(0, position), bytes]);
  };
  return {
    write: async (bytes, position) => {
      const { byteLength } = bytes;
      if (!user.pass('before write')) return never();
      await user.later();
      if (!user.pass(`within write of ${byteLength} bytes`, byteLength)) {
        put(bytes.subarray(0, tear(byteLength)), position);
        return never();
      }
      put(bytes, position);
      if (!user.pass('after write')) return never();
      return byteLength;
    },
    truncate: (bytes) => act('truncate', () => {
      inode.bytes = inode.bytes.subarray(0, bytes);
      inode.syncedBytes = Math.min(inode.syncedBytes, bytes);
    }),
    sync: async () => {
      const bytes = inode.bytes.byteLength;
      await act('sync', () => (inode.syncedBytes = Math.max(inode.syncedBytes, bytes)));
    },
    close: () => Promise.resolve(),
  };
}

export function never<Result>(): Promise<Result> {
  return new Promise(() => undefined);
}

function errorOf(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
